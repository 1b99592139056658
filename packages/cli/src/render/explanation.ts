import { sayReason } from '@rollcall/shared/core/reasons';
import type { EpochMs } from '@rollcall/shared/core/time';
import { labelOf, type User } from '@rollcall/shared/core/user';
import type { AuditLine } from '@rollcall/shared/explanation/audit-lines';
import type { BesideState } from '@rollcall/shared/explanation/beside-state';
import type { Explanation } from '@rollcall/shared/explanation/explain-user';
import { keyOf } from '../queries/user-named.ts';
import type { Colors } from '../terminal.ts';
import { printable } from './printable.ts';
import { roleLines } from './role-lines.ts';
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
    ...besideLines(explanation.beside, now),
    ...factLines(explanation, now).map((line) => `  ${line}`),
    '',
    ...roleLines(explanation, now, colors),
    ...joinedLines(explanation),
    '',
    ...indent(colors.dim('Access, newest first'), eventTable(explanation.lifecycle, now)),
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

/** What stands beside the state: a plan that waits, a silence that was told of. */
export function besideLines({ held, silence }: BesideState, now: EpochMs): string[] {
  const waiting = held.map(
    ({ plan, decision, reason, expiresAt }) =>
      `held: plan ${plan.slice(0, 12)} would ${decision.replace('_', ' ')} (${sayReason(reason)}), waiting for approval until ${sayWhen(expiresAt, now)}`,
  );
  const told =
    silence === null
      ? []
      : [`silent: told ${sayWhen(silence.at, now)}, after ${silence.days} days without a sign-in`];
  return [...waiting, ...told].map((line) => printable(`  ${line}`));
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

/** A session has the roles of every record with access. */
function joinedLines({ joined }: Explanation): string[] {
  return joined.map(({ user, roles }) => {
    const given = roles.join(', ') || 'no roles';
    return printable(`  Joined with ${keyOf(user)} (${user.state}), which gives ${given}`);
  });
}

function eventTable(events: readonly AuditLine[], now: EpochMs): string {
  if (events.length === 0) return 'nothing yet';
  return renderTable(
    events.map((event) => [
      sayWhen(event.at, now),
      event.kind,
      sayActor(event.actor),
      sayWhy(event),
      event.reference ?? '',
    ]),
  );
}

function sayWhy({ reason, note }: AuditLine): string {
  const said = reason === null ? '' : sayReason(reason);
  return note === null ? said : `${said}${said === '' ? '' : ': '}“${note}”`;
}

/** Who made a change, in words. */
export function sayActor(actor: Readonly<Record<string, unknown>>): string {
  switch (actor.kind) {
    case 'assertion':
      return `sign-in by ${String(actor.connection)}`;
    case 'logout_request':
    case 'logout_response':
      return `sign-out by ${String(actor.connection)}`;
    case 'sweep':
      return `sweep ${String(actor.runId).slice(0, 8)}`;
    case 'undo':
      return `undo of ${String(actor.runId).slice(0, 8)} by ${String(actor.name)}`;
    case 'operator':
      return `operator ${String(actor.name)}`;
    case 'scim':
      return `SCIM of ${String(actor.connection)}, token ${String(actor.token)}`;
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
