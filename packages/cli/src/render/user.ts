import { sayReason } from '@rollcall/shared/core/reasons';
import type { EpochMs } from '@rollcall/shared/core/time';
import { labelOf, personOf, type User } from '@rollcall/shared/core/user';
import { besideStateToJson } from '@rollcall/shared/explanation/beside-state';
import type { ShownRecord, ShownUser } from '../queries/shown-user.ts';
import { keyOf } from '../queries/user-named.ts';
import type { Colors } from '../terminal.ts';
import { besideLines } from './explanation.ts';
import { printable } from './printable.ts';
import { renderTable } from './table.ts';
import { stateCell, stateColor, userToJson } from './users.ts';
import { sayWhen } from './when.ts';

/** A user for people: facts, one a line, and the records that are joined. */
export function renderUser(shown: ShownUser, now: EpochMs, colors: Colors): string {
  const { user, roles, liveSessions, joined } = shown;
  const state = stateColor(user.state, colors)(user.state);
  const facts: (readonly [string, string])[] = [
    ['name', nameOf(user)],
    ['subject', user.subject],
    ['directory id', user.directoryId ?? '-'],
    ['e-mail', user.profile.email ?? '-'],
    ['id', user.id],
    ['owner', user.owner],
    ['state', sayState(user, now)],
    ['protected', sayProtection(user)],
    ['roles', roles.join(', ') || '-'],
    ['groups', user.groups === null ? 'not known' : user.groups.join(', ') || 'none'],
    ['sessions', `${liveSessions} live`],
    ['signed in', sayTime(user.lastAssertionAt, now)],
    ['in directory', sayTime(user.lastConfirmedAt, now)],
    ['since', sayWhen(user.createdAt, now)],
  ];
  const head = `${colors.bold(printable(labelOf(user)))}  ${state}  via ${user.connectionId}`;
  const rows = facts.map(([name, text]) => [{ text: name, paint: colors.dim }, text]);
  return [
    head,
    ...besideLines(shown.beside, now),
    ...indent(renderTable(rows)),
    ...joinedLines(shown, joined, colors),
  ].join('\n');
}

/** A user for programs: as in `users list`, with sessions and the joined records. */
export function shownUserToJson({ joined, beside, ...own }: ShownUser): Record<string, unknown> {
  return {
    ...recordToJson(own),
    ...besideStateToJson(beside),
    joined: joined.map(recordToJson),
  };
}

function recordToJson({ user, roles, liveSessions }: ShownRecord): Record<string, unknown> {
  return {
    ...userToJson({ user, roles }),
    protected_by_admin: user.protectedByAdmin,
    live_sessions: liveSessions,
  };
}

function joinedLines(
  { user }: ShownUser,
  joined: readonly ShownRecord[],
  colors: Colors,
): readonly string[] {
  if (joined.length === 0) return [];
  const rows = joined.map((record) => [
    keyOf(record.user),
    stateCell(record.user.state, colors),
    record.roles.join(', ') || '-',
    `${record.liveSessions} live`,
    { text: record.user.id, paint: colors.dim },
  ]);
  const head = `Joined with, as person ${personOf(user)}`;
  return ['', `  ${colors.dim(head)}`, ...indent(renderTable(rows))];
}

function nameOf({ profile }: User): string {
  const name = [profile.givenName, profile.familyName].filter((part) => part !== null).join(' ');
  return name === '' ? '-' : name;
}

function sayState(user: User, now: EpochMs): string {
  const cause = user.cause === null ? '' : ` by ${user.cause}`;
  const reason = user.stateReason === null ? '' : `: ${sayReason(user.stateReason)}`;
  return `${user.state}${cause} since ${sayWhen(user.stateChangedAt, now)}${reason}`;
}

function sayProtection(user: User): string {
  if (user.protectedByAdmin) return 'by an administrator';
  return user.protected ? 'by the configuration' : 'no';
}

function sayTime(at: EpochMs | null, now: EpochMs): string {
  return at === null ? 'never' : sayWhen(at, now);
}

function indent(block: string): string[] {
  return block.split('\n').map((line) => `  ${line}`);
}
