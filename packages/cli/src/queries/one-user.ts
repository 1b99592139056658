import { AppError } from '@rollcall/shared/core/errors';
import type { User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import type { Invocation } from '../invocation.ts';
import { renderTable } from '../render/table.ts';
import { findNamedUser, keyOf } from './user-named.ts';

/** The only user whom a text may mean. Throws `user.unknown` and `user.ambiguous`. */
export async function requireOneUser(
  db: Database,
  text: string,
  invocation: Invocation,
): Promise<User> {
  const named = await findNamedUser(db, text);
  if (named.kind === 'one') return named.user;
  throw ambiguous(named.users, invocation);
}

/** `user.ambiguous`; for people the candidates are shown first. */
function ambiguous(users: readonly User[], { terminal, json }: Invocation): AppError {
  const candidates = users.map((user) => ({
    user: keyOf(user),
    id: user.id,
    email: user.profile.email,
    state: user.state,
  }));
  if (!json) {
    const rows = candidates.map(({ user, email, state, id }) => [user, email ?? '-', state, id]);
    terminal.complain(renderTable(rows));
  }
  return new AppError(
    'user.ambiguous',
    `${users.length} users have this id, subject, directory id or e-mail: name one by connection:subject.`,
    { detail: { candidates } },
  );
}
