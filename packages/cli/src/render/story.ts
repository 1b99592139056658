import type { Service } from '../compose/service.ts';
import type { Colors } from '../terminal.ts';

/** What a demo that has just started says: where everything is, and what to try. */
export function renderStory(service: Service, colors: Colors): string {
  const { bold, cyan, dim } = colors;
  const app = cyan(service.config.publicUrl);
  const directory = cyan(service.demo?.idpUrl ?? '');
  const sweeps = service.role === 'all';
  const steps = [
    `Open ${app} and sign in as Ada Lovelace: her account is made now, her groups become roles.`,
    `Open ${directory} and press ${bold('Remove')} beside Ada.`,
    sweeps
      ? 'Watch the first page: within half a minute the roll is called, and her session ends by itself.'
      : `Call the roll in another terminal: ${bold('npx rollcall start --role worker')}`,
    `Ask why, in another terminal: ${bold('npx rollcall explain ada@acme.example')}`,
  ];
  return [
    '',
    `  ${bold('Rollcall')}, with a demo identity provider`,
    '',
    `  App                ${app}`,
    `  Identity provider  ${directory}`,
    '',
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
    '',
    dim(
      `  State in .rollcall/, log in ${service.logFile ?? ''}. Ctrl-C stops it; the next start goes on from here.`,
    ),
    '',
  ].join('\n');
}

/** One line for people who start the service with a configuration of their own. */
export function renderStarted(service: Service, colors: Colors): string {
  const parts = [
    ...(service.listens === null ? [] : [`listens on ${service.listens}`]),
    ...(service.role === 'web' ? [] : ['calls the roll']),
  ];
  const place =
    service.listens === null ? '' : ` Browsers reach it at ${service.config.publicUrl}.`;
  return `${colors.bold('Rollcall')} ${parts.join(' and ')}.${place}`;
}
