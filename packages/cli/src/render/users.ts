import type { UserState } from '@rollcall/shared/core/lifecycle';
import type { EpochMs } from '@rollcall/shared/core/time';
import { labelOf, type User } from '@rollcall/shared/core/user';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen } from './when.ts';

export { userToJson } from '@rollcall/shared/explanation/user-json';

/** A user in a listing. */
export interface ListedUser {
  readonly user: User;
  readonly roles: readonly string[];
  /** After how many days of a silence that goes on it was told of; null: it was not. */
  readonly silenceTold: number | null;
}

/** A page of users; `next` is where the next one begins, null at the end. */
export interface UserPage {
  readonly users: readonly ListedUser[];
  readonly next: string | null;
}

/** A page of users for people. */
export function renderUsers(page: UserPage, now: EpochMs, colors: Colors): string {
  if (page.users.length === 0) return 'No users: nobody has signed in, or nobody matches.';
  const head = ['USER', 'CONNECTION', 'STATE', 'ROLES', 'VOUCHED FOR', 'ID'];
  const rows = page.users.map(({ user, roles, silenceTold }) => [
    labelOf(user),
    user.connectionId,
    stateCell(user.state, colors),
    roles.join(', ') || '-',
    silenceTold === null
      ? sayVouched(user, now)
      : `${sayVouched(user, now)}, silent: told after ${silenceTold} days`,
    { text: user.id, paint: colors.dim },
  ]);
  const table = renderTable([head.map((text) => ({ text, paint: colors.dim })), ...rows]);
  const more = page.next === null ? '' : `\n\nMore: --after ${page.next}`;
  return `${table}${more}`;
}

/** A state, in the colour that it deserves. */
export function stateCell(state: UserState, colors: Colors): Cell {
  return { text: state, paint: stateColor(state, colors) };
}

/** The colour of a state. */
export function stateColor(state: UserState, colors: Colors): (text: string) => string {
  if (state === 'active') return colors.green;
  return state === 'suspected' || state === 'contained' ? colors.yellow : colors.red;
}

/** When the identity provider last vouched for the person, by an assertion or in its directory. */
function sayVouched(user: User, now: EpochMs): string {
  const { lastAssertionAt: assertion, lastConfirmedAt: directory } = user;
  if (assertion === null && directory === null) return 'never';
  const byDirectory = directory !== null && directory > (assertion ?? 0);
  const at = byDirectory ? directory : (assertion ?? directory);
  return at === null ? 'never' : `${sayWhen(at, now)} by ${byDirectory ? 'directory' : 'sign-in'}`;
}
