import { type Command, InvalidArgumentError, Option } from 'commander';
import { ROLES, type Service, type ServiceRole, startService } from '../compose/service.ts';
import { listenForStop } from '../compose/signals.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { renderStarted, renderStory } from '../render/story.ts';

const HELP = `
With a configuration this is the service: sign-in at public_url, and the worker
that calls the roll. Its log goes to standard output, one JSON object a line.

Without one it is the demo: an identity provider to try things at, a sample app,
an embedded database. Everything it keeps is in .rollcall/, and ports that are
taken are passed over.

Examples:
  $ rollcall start
  $ rollcall start --port 8080
  $ rollcall start --config /etc/rollcall.yaml --role web
  $ rollcall start --config /etc/rollcall.yaml --role worker`;

interface StartOptions {
  readonly role: ServiceRole;
  readonly port?: number;
}

/** `rollcall start` */
export function addStart(parent: Command, run: Run): void {
  parent
    .command('start')
    .summary('run the service, or the demo where there is no configuration')
    .description(
      'Runs the service until it is stopped by Ctrl-C or SIGTERM; a second one forces it.',
    )
    .addOption(new Option('--role <role>', 'which half to run').choices([...ROLES]).default('all'))
    .option('--port <number>', 'listen on this port, whatever the configuration says', readPort)
    .addHelpText('after', HELP)
    .action((options: StartOptions, command: Command) =>
      run(command, (invocation) => start(options, invocation)),
    );
}

async function start(options: StartOptions, invocation: Invocation): Promise<ExitCode> {
  const { terminal, json } = invocation;
  const stop = listenForStop(() => terminal.complain('Stopped without waiting.'));
  const progress = (line: string): void => {
    if (!json) terminal.complain(terminal.complaintColors.dim(`${line} …`));
  };
  try {
    const service = await startService({
      ...invocation,
      role: options.role,
      port: options.port ?? null,
      onProgress: progress,
    });
    return await runUntilStopped(service, stop.asked, invocation);
  } finally {
    stop.release();
  }
}

async function runUntilStopped(
  service: Service,
  asked: Promise<NodeJS.Signals>,
  invocation: Invocation,
): Promise<ExitCode> {
  const crash = listenForCrash();
  try {
    announce(service, invocation);
    const end = await Promise.race([asked, crash.happened]);
    if (typeof end === 'object') {
      service.log.fatal({ event: 'service.crashed', err: end.error });
      throw end.error;
    }
    service.log.info({ event: 'service.stopping', signal: end });
    if (service.demo !== null && !invocation.json) invocation.terminal.print('Stopping …');
    return EXIT.ok;
  } finally {
    await service.stop();
    crash.release();
  }
}

/** Says that the service is ready, in the form that was asked for. */
function announce(service: Service, { json, terminal }: Invocation): void {
  const { config, listens, demo, role, logFile } = service;
  if (json) {
    const idp = demo?.idpUrl ?? null;
    const url = listens === null ? null : config.publicUrl;
    terminal.printJson({ ready: true, role, url, listens, idp, log: logFile });
  } else if (demo !== null) {
    terminal.print(renderStory(service, terminal.colors));
  } else {
    terminal.complain(renderStarted(service, terminal.complaintColors));
  }
}

/** An error that nobody awaited: what follows it cannot be trusted, so the service stops. */
function listenForCrash(): { happened: Promise<{ error: unknown }>; release(): void } {
  let tell: (crash: { error: unknown }) => void = () => undefined;
  const happened = new Promise<{ error: unknown }>((resolve) => {
    tell = resolve;
  });
  const receive = (error: unknown): void => tell({ error });
  process.on('uncaughtException', receive);
  process.on('unhandledRejection', receive);
  return {
    happened,
    release: () => {
      process.off('uncaughtException', receive);
      process.off('unhandledRejection', receive);
    },
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
