import { AppError } from '@rollcall/shared/core/errors';
import type { User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { searchUsers } from '@rollcall/shared/db/users';

/** The people that a text may mean. One of them, or nobody can say which. */
export type NamedUser =
  | { readonly kind: 'one'; readonly user: User }
  | { readonly kind: 'several'; readonly users: readonly User[] };

/**
 * Finds a user by our id, `connection:subject`, subject, directory id or e-mail.
 * An exact id of ours means one person, even where somebody's e-mail is the same text.
 * Throws `user.unknown`.
 */
export async function findNamedUser(db: Database, text: string): Promise<NamedUser> {
  const users = await searchUsers(db, text);
  const exact = users.find((user) => user.id === text || keyOf(user) === text);
  const [first] = exact === undefined ? users : [exact];
  if (first === undefined) {
    throw new AppError(
      'user.unknown',
      'No user has this id, subject, directory id or e-mail: `rollcall users list` shows everybody.',
      { detail: { received: text.slice(0, 200) } },
    );
  }
  if (exact !== undefined || users.length === 1) return { kind: 'one', user: first };
  return { kind: 'several', users };
}

/** `connection:subject`, which names one person for ever. */
export function keyOf(user: Pick<User, 'connectionId' | 'subject'>): string {
  return `${user.connectionId}:${user.subject}`;
}
