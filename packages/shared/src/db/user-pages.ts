import { sql } from 'kysely';
import type { UserId } from '../core/ids.ts';
import type { Grant, User } from '../core/user.ts';
import type { Database } from './database.ts';
import { toGrant, toUser } from './users.ts';

/** A user with every grant of theirs. */
export interface UserWithGrants {
  readonly user: User;
  readonly grants: readonly Grant[];
}

const PAGE = 2_000;

/** Everybody, page by page in the order of their ids: memory does not grow with their number. */
export async function* userPages(db: Database): AsyncGenerator<readonly UserWithGrants[]> {
  let after: UserId | null = null;
  for (;;) {
    const page: readonly User[] = await readPage(db, after);
    if (page.length === 0) return;
    const grants = await grantsOfPage(db, page);
    yield page.map((user) => ({ user, grants: grants.get(user.id) ?? [] }));
    after = page.at(-1)?.id ?? null;
    if (page.length < PAGE) return;
  }
}

async function readPage(db: Database, after: UserId | null): Promise<readonly User[]> {
  let query = db.selectFrom('users').selectAll().orderBy('id').limit(PAGE);
  if (after !== null) query = query.where('id', '>', after);
  return (await query.execute()).map(toUser);
}

async function grantsOfPage(
  db: Database,
  page: readonly User[],
): Promise<ReadonlyMap<UserId, readonly Grant[]>> {
  const ids = page.map((user) => user.id);
  const rows = await db
    .selectFrom('grants')
    .selectAll()
    .where(sql<boolean>`user_id = any(${ids}::uuid[])`)
    .execute();
  return Map.groupBy(rows.map(toGrant), (grant) => grant.userId);
}
