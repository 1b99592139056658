import { withoutQuery } from '@rollcall/jit-auth/saml/metadata-download';
import { serviceProvider } from '@rollcall/jit-auth/saml/saml-connection';
import { formatDuration } from '@rollcall/shared/config/duration';
import type { Config } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { KnownConnection } from '../queries/known-connection.ts';
import type { Colors } from '../terminal.ts';
import { certificateToJson, expiryCell, sayUse, standingCell } from './certificate.ts';
import { printable } from './printable.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen, toIso } from './when.ts';

/** The connections, one a line. */
export function renderConnections(
  connections: readonly KnownConnection[],
  now: EpochMs,
  colors: Colors,
): string {
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  return renderTable([
    ['CONNECTION', 'LABEL', 'STATE', 'METADATA', 'FETCHED', 'DOMAINS', 'IDENTITY PROVIDER'].map(
      dim,
    ),
    ...connections.map((known) => {
      const { connection, copy, reading } = known;
      return [
        connection.id,
        connection.label,
        stateCell(known, colors),
        SOURCES[connection.idp.kind],
        copy?.fetched ? sayWhen(copy.fetched.fetchedAt, now) : '-',
        connection.domains.join(', ') || '-',
        reading?.idp.entityId ?? '-',
      ];
    }),
  ]);
}

const SOURCES: Readonly<Record<KnownConnection['connection']['idp']['kind'], string>> = {
  metadata_url: 'address',
  metadata_file: 'file',
  metadata: 'inline',
  manual: 'by hand',
};

/** `ok`; `stale` where the last good copy stands in; `unavailable`. */
export function stateOf({ problem, copy }: KnownConnection): 'ok' | 'stale' | 'unavailable' {
  if (problem !== null) return 'unavailable';
  return (copy?.failures ?? 0) > 0 ? 'stale' : 'ok';
}

function stateCell(known: KnownConnection, colors: Colors): Cell {
  const state = stateOf(known);
  const paint = { ok: colors.green, stale: colors.yellow, unavailable: colors.red }[state];
  return { text: state, paint };
}

/** One connection in full: also what to type in at the identity provider. */
export function renderConnection(
  config: Config,
  known: KnownConnection,
  now: EpochMs,
  colors: Colors,
): string {
  const { connection, problem, reading } = known;
  const sp = serviceProvider(config.publicUrl, connection.id);
  const state = stateCell(known, colors);
  const lines: [string, string][] = [
    [
      'state',
      problem === null ? state.text : `${state.text}: ${problem.message} (${problem.code})`,
    ],
    ['label', connection.label],
    ['domains', connection.domains.join(', ') || 'none'],
    ...sourceLines(known, now),
    ['entity id', reading?.idp.entityId ?? 'not known'],
    ['sign-in', reading?.idp.ssoUrl ?? 'not known'],
    ['logout', sayLogout(reading)],
  ];
  const ours: [string, string][] = [
    ['entity id', sp.entityId],
    ['ACS', sp.acsUrl],
    ['logout', sp.sloUrl],
    ['metadata', sp.entityId],
  ];
  return [
    colors.bold(connection.id),
    block(lines),
    '',
    'To be entered at the identity provider',
    block(ours),
    '',
    renderCertificates([known], now, colors),
  ].join('\n');
}

function sayLogout(reading: KnownConnection['reading']): string {
  if (reading === null) return 'not known';
  return reading.idp.logoutEndpoints[0]?.url ?? 'not offered';
}

function block(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, text]) => `  ${name.padEnd(12)}${printable(text)}`).join('\n');
}

function sourceLines({ connection, copy }: KnownConnection, now: EpochMs): [string, string][] {
  const { idp } = connection;
  if (idp.kind === 'metadata_file') return [['metadata', idp.path]];
  if (idp.kind !== 'metadata_url') return [['metadata', SOURCES[idp.kind]]];
  const lines: [string, string][] = [
    ['metadata', `${withoutQuery(idp.url)}, every ${formatDuration(idp.refreshMs)}`],
    ['overlap', formatDuration(idp.overlapMs)],
    ['pinned', idp.pins.length === 0 ? 'no' : `${idp.pins.length} certificates`],
  ];
  if (copy === null) return lines;
  const { fetched, lastFailure, failures, dueAt } = copy;
  if (fetched !== null) {
    const until =
      fetched.validUntil === null ? '' : `, valid until ${sayWhen(fetched.validUntil, now)}`;
    lines.push(['fetched', `${sayWhen(fetched.fetchedAt, now)}${until}`]);
  }
  if (lastFailure !== null) {
    const count = failures === 1 ? 'once' : `${failures} times`;
    const last = `${lastFailure.sentence} (${lastFailure.code})`;
    lines.push(['failing', `${count}, the last ${sayWhen(lastFailure.at, now)}: ${last}`]);
  }
  return [...lines, ['next', sayWhen(dueAt, now)]];
}

/** Every certificate, one a line. */
export function renderCertificates(
  connections: readonly KnownConnection[],
  now: EpochMs,
  colors: Colors,
): string {
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  const rows = connections.flatMap(({ connection, certificates }) =>
    certificates.map((one) => [
      connection.id,
      sayUse(one),
      standingCell(one, now, colors),
      expiryCell(one, now, colors),
      one.known === null ? '-' : sayWhen(one.known.firstSeenAt, now),
      one.fingerprint,
    ]),
  );
  if (rows.length === 0) return 'No certificates are known.';
  const head = ['CONNECTION', 'FOR', 'STANDING', 'EXPIRES', 'FIRST SEEN', 'SHA-256'].map(dim);
  return renderTable([head, ...rows]);
}

/** A connection for programs. */
export function connectionToJson(
  config: Config,
  known: KnownConnection,
  now: EpochMs,
): Record<string, unknown> {
  const { connection, copy, reading, problem, certificates } = known;
  const sp = serviceProvider(config.publicUrl, connection.id);
  return {
    id: connection.id,
    label: connection.label,
    domains: connection.domains,
    preset: connection.preset,
    state: stateOf(known),
    problem,
    entity_id: reading?.idp.entityId ?? null,
    sso_url: reading?.idp.ssoUrl ?? null,
    slo_url: reading?.idp.logoutEndpoints[0]?.url ?? null,
    source: connection.idp.kind,
    address: copy?.address ?? null,
    fetched_at: toIso(copy?.fetched?.fetchedAt ?? null),
    valid_until: toIso(copy?.fetched?.validUntil ?? reading?.validUntil ?? null),
    next_at: toIso(copy?.dueAt ?? null),
    failures: copy?.failures ?? 0,
    last_failure:
      copy?.lastFailure == null
        ? null
        : {
            at: toIso(copy.lastFailure.at),
            code: copy.lastFailure.code,
            message: copy.lastFailure.sentence,
          },
    sp: {
      entity_id: sp.entityId,
      acs_url: sp.acsUrl,
      slo_url: sp.sloUrl,
      metadata_url: sp.entityId,
    },
    certificates: certificates.map((one) => certificateToJson(one, now)),
  };
}
