import { formatDuration } from '@rollcall/shared/config/duration';
import { formatReference } from '@rollcall/shared/config/secrets';
import type { Config, DirectoryConfig } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import {
  type CheckedCertificate,
  type CheckedConnection,
  type CheckReport,
  sayDatabase,
} from '../queries/check-configuration.ts';
import type { Colors } from '../terminal.ts';
import { checkedToJson, EXPIRES_SOON_DAYS } from './certificate.ts';
import { printable } from './printable.ts';
import { daysUntil, sayDuration } from './when.ts';

/** The report of a check for people; the problems go elsewhere. */
export function renderCheck(
  file: string,
  config: Config,
  report: CheckReport,
  now: EpochMs,
  colors: Colors,
): string {
  const { redis } = config;
  const engine = redis.url === null ? 'Postgres' : `Redis (${sayRedis(redis.url)})`;
  const rules = `${config.roles.length} role rules, default ${config.defaultRole ?? 'none: refused'}`;
  return [
    `${colors.bold(printable(file))}  ${config.publicUrl}`,
    `  database  ${printable(sayDatabase(config))}`,
    `  queue     ${printable(engine)}`,
    `  roles     ${rules}`,
    `  secrets   ${report.secrets} readable`,
    ...report.connections.flatMap((checked) => ['', ...connectionLines(checked, now, colors)]),
  ].join('\n');
}

function sayRedis(url: NonNullable<Config['redis']['url']>): string {
  return url.kind === 'plain' ? new URL(url.value).host : formatReference(url);
}

function connectionLines(
  checked: CheckReport['connections'][number],
  now: EpochMs,
  colors: Colors,
): string[] {
  const { connection, idp, own } = checked;
  const mark = idp === null ? colors.red('✗') : colors.green('✓');
  const head = `${mark} ${colors.bold(connection.id)}`;
  const lines = [`  directory    ${directorySentence(connection)}`];
  if (idp !== null) {
    lines.unshift(`  sign-in      ${printable(idp.ssoUrl)}`);
    lines.push(...idp.certificates.map((one) => `  certificate  ${sayExpiry(one, now, colors)}`));
  }
  for (const one of own) lines.push(`  our ${one.use.padEnd(9)}${sayExpiry(one, now, colors)}`);
  return [idp === null ? head : `${head}  ${printable(idp.entityId)}`, ...lines];
}

function directorySentence({ directory, sweep }: CheckedConnection['connection']): string {
  const silent = sweep?.silence?.deactivateDays;
  if (directory.type === 'none') {
    return silent === undefined
      ? 'none: nobody can be asked who still exists'
      : `none: ${silent} days of silence end access (${sweep?.mode})`;
  }
  const asked = `${directory.type} at ${printable(placeOf(directory))}`;
  if (sweep === null) return `${asked}, never swept`;
  return `${asked}, swept every ${formatDuration(sweep.everyMs)} (${sweep.mode})`;
}

function placeOf(directory: Exclude<DirectoryConfig, { type: 'none' }>): string {
  if (directory.type === 'roster') return directory.place.roster;
  if (directory.type !== 'ldap') return directory.url;
  const { host, port, security } = directory.address;
  return `${security === 'ldaps' ? 'ldaps' : 'ldap'}://${host}:${port}`;
}

/** A pinned key counts after its certificate's end too, but its owner is about to replace it. */
function sayExpiry(certificate: CheckedCertificate, now: EpochMs, colors: Colors): string {
  const day = new Date(certificate.notAfter).toISOString().slice(0, 10);
  const print = colors.dim(`SHA-256 ${certificate.fingerprint.slice(0, 23)}…`);
  const left = sayDuration(Math.abs(certificate.notAfter - now));
  if (certificate.notAfter <= now) {
    return `${colors.yellow(`! expired ${left} ago, on ${day}`)}  ${print}`;
  }
  const sentence = `expires in ${left}, on ${day}`;
  const soon = daysUntil(certificate.notAfter, now) < EXPIRES_SOON_DAYS;
  return `${soon ? colors.yellow(`! ${sentence}`) : sentence}  ${print}`;
}

/** The report of a check for programs. */
export function checkToJson(
  file: string,
  config: Config,
  report: CheckReport,
  now: EpochMs,
): Record<string, unknown> {
  return {
    ok: report.problems.length === 0,
    file,
    public_url: config.publicUrl,
    secrets_readable: report.secrets,
    connections: report.connections.map(({ connection, idp, own }) => ({
      id: connection.id,
      entity_id: idp?.entityId ?? null,
      sso_url: idp?.ssoUrl ?? null,
      directory: connection.directory.type,
      sweep: connection.sweep?.mode ?? null,
      certificates: (idp?.certificates ?? []).map((one) => checkedToJson(one, now)),
      own_certificates: own.map((one) => ({ use: one.use, ...checkedToJson(one, now) })),
    })),
    problems: report.problems,
  };
}
