import { sayReason } from '@rollcall/shared/core/reasons';
import type { RoleMiss } from '@rollcall/shared/core/roles';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Grant, labelOf, type User } from '@rollcall/shared/core/user';
import type { AuditLine, Explanation } from '../queries/explanation.ts';
import type { Colors } from '../terminal.ts';
import { printable } from './printable.ts';
import { renderTable } from './table.ts';
import { stateColor } from './users.ts';
import { sayWhen } from './when.ts';

/** An explanation for people. */
export function renderExplanation(explanation: Explanation, now: EpochMs, colors: Colors): string {
  const { user, events } = explanation;
  const label = printable(labelOf(user));
  const state = stateColor(user.state, colors)(user.state);
  const head = `${colors.bold(label)}  ${state}  via ${user.connectionId}`;
  return [
    head,
    ...stateLines(user, now),
    ...factLines(explanation, now).map((line) => `  ${line}`),
    '',
    ...roleLines(explanation, now, colors),
    '',
    ...indent(colors.dim('Last events, newest first'), eventTable(events, now)),
  ].join('\n');
}

function stateLines(user: User, now: EpochMs): string[] {
  const lines: string[] = [];
  if (user.state !== 'active') {
    const reason = user.stateReason === null ? '' : `: ${sayReason(user.stateReason)}`;
    const cause = user.cause === null ? '' : ` ${CAUSES[user.cause]}`;
    lines.push(`  ${user.state}${cause} since ${sayWhen(user.stateChangedAt, now)}${reason}`);
  }
  if (user.protected) lines.push('  protected: no sweep and no sign-in takes this access');
  return lines.map(printable);
}

const CAUSES = {
  admin: 'by an administrator',
  scim: 'by SCIM',
  sweep: 'by the sweep',
} as const;

const OWNERS = {
  roll: 'kept honest by the sweep',
  scim: 'kept by SCIM, never swept',
  manual: 'kept by hand, never swept',
} as const;

function factLines({ user, liveSessions, ...rest }: Explanation, now: EpochMs): string[] {
  const name = [user.profile.givenName, user.profile.familyName].filter(isThere).join(' ');
  const directory =
    user.directoryId === null ? 'no directory id' : `directory id ${user.directoryId}`;
  const when = (at: EpochMs | null): string => (at === null ? 'never' : sayWhen(at, now));
  const sessions = liveSessions === 1 ? '1 live session' : `${liveSessions} live sessions`;
  const lines = [
    [name, `subject ${user.subject}`, directory].filter(isThere).join(', '),
    `user ${user.id}, ${OWNERS[user.owner]}`,
    `vouched for: sign-in ${when(user.lastAssertionAt)}, directory ${when(user.lastConfirmedAt)}`,
    sessions,
  ];
  if (!rest.connectionConfigured) {
    lines.push(`the configuration has no connection ${user.connectionId} any more`);
  }
  return lines.map(printable);
}

function isThere(part: string | null): part is string {
  return part !== null && part !== '';
}

/** Roles that are held, then rules that gave nothing, then what no rule names. */
function roleLines({ user, grants, mapping }: Explanation, now: EpochMs, colors: Colors): string[] {
  const given: ReadonlySet<string> = new Set(mapping.kind === 'known' ? mapping.roles : []);
  const held = new Set(grants.map((grant) => grant.role));
  const rows = grants.map((grant) => [
    { text: '✓', paint: colors.green },
    grant.role,
    grantSentence(grant, now, mapping.kind === 'known' && !given.has(grant.role)),
  ]);
  const awaited = mapping.kind === 'known' ? mapping.roles.filter((role) => !held.has(role)) : [];
  rows.push(
    ...awaited.map((role) => [
      { text: '+', paint: colors.yellow },
      role,
      'the rules give it now: it comes with the next sign-in or sweep',
    ]),
  );
  const missed = mapping.kind === 'known' ? mapping.missed : [];
  rows.push(
    ...missed
      .filter((miss) => !held.has(miss.role) || !given.has(miss.role))
      .map((miss) => [{ text: '✗', paint: colors.red }, miss.role, missSentence(miss)]),
  );
  const lines = rows.length === 0 ? ['  no roles, and no rules'] : indent('', renderTable(rows));
  return [...headOfRoles(user, grants.length, colors), ...lines, ...unmatchedLines(mapping, user)];
}

function headOfRoles(user: User, count: number, colors: Colors): string[] {
  const kept = user.cause !== null && count > 0;
  return [`  ${colors.dim(kept ? 'Roles, kept for the case of a return' : 'Roles')}`];
}

function grantSentence(grant: Grant, now: EpochMs, outdated: boolean): string {
  const seen = `${SEEN[grant.seenIn]} ${sayWhen(grant.lastSeenAt, now)}`;
  const reasons = grant.because.map((reason) => {
    const from = [
      ...reason.groups.map((group) => `group ${group}`),
      ...reason.attributes.map((name) => `attribute ${name}`),
    ];
    return `${from.join(' and ') || 'nothing'}  (${reason.file}:${reason.line}, ${seen})`;
  });
  const why = reasons.length === 0 ? `the default role  (${seen})` : reasons.join('; ');
  return `← ${why}${outdated ? '; the rules of today would not give it' : ''}`;
}

const SEEN = {
  assertion: 'in an assertion',
  directory: 'in the directory',
  scim: 'by SCIM',
  manual: 'by hand',
} as const;

/** Why a rule gave nothing, in words. */
export function missSentence(miss: RoleMiss): string {
  const place = `(${miss.rule.file}:${miss.rule.line})`;
  const wanted = miss.wanted.join(', ');
  switch (miss.because) {
    case 'other_connection':
      return `only from ${wanted || 'a connection that the rule names'}  ${place}`;
    case 'no_group_matched':
      return `${miss.wanted.length === 1 ? 'not in group' : 'in none of the groups'} ${wanted}  ${place}`;
    case 'group_missing':
      return `not in ${wanted}  ${place}`;
    case 'attribute_mismatch':
      return `attribute ${wanted} has none of the values wanted  ${place}`;
    case 'groups_unknown':
      return `the groups are not known  ${place}`;
    default:
      return miss.because satisfies never;
  }
}

function unmatchedLines(mapping: Explanation['mapping'], user: User): string[] {
  if (mapping.kind === 'unknown') {
    return ['  The groups are not known, which is not the same as none: no role changes.'];
  }
  if (user.groups?.length === 0) return ['  In no groups.'];
  if (mapping.unmatched.length === 0) return [];
  return [printable(`  Groups that no rule names: ${mapping.unmatched.join(', ')}`)];
}

function eventTable(events: readonly AuditLine[], now: EpochMs): string {
  if (events.length === 0) return 'none';
  return renderTable(
    events.map((event) => [
      sayWhen(event.at, now),
      event.kind,
      sayActor(event.actor),
      event.reason === null ? '' : sayReason(event.reason),
      event.reference ?? '',
    ]),
  );
}

/** Who made a change, in words. */
export function sayActor(actor: Readonly<Record<string, unknown>>): string {
  switch (actor.kind) {
    case 'assertion':
      return `sign-in by ${String(actor.connection)}`;
    case 'logout_request':
      return `sign-out by ${String(actor.connection)}`;
    case 'sweep':
      return `sweep ${String(actor.runId).slice(0, 8)}`;
    case 'undo':
      return `undo of ${String(actor.runId).slice(0, 8)} by ${String(actor.name)}`;
    case 'operator':
      return `operator ${String(actor.name)}`;
    case 'user':
      return 'the user';
    default:
      return String(actor.kind ?? 'unknown');
  }
}

function indent(head: string, block: string): string[] {
  const lines = block.split('\n').map((line) => `  ${line}`);
  return head === '' ? lines : [`  ${head}`, ...lines];
}
