import { sql } from 'kysely';
import type { UserId } from '../core/ids.ts';
import type { User } from '../core/user.ts';
import type { Database, Tx } from './database.ts';
import { toUser } from './users.ts';

/** Every record of the person, the given one included, in the order of their ids. */
export async function recordsOfPerson(
  db: Database | Tx,
  user: Pick<User, 'id' | 'personId'>,
): Promise<readonly User[]> {
  const query = db.selectFrom('users').selectAll().orderBy('id');
  const rows = await (user.personId === null
    ? query.where('id', '=', user.id)
    : query.where('person_id', '=', user.personId)
  ).execute();
  return rows.map(toUser);
}

/**
 * The records named and every other one of their persons, in the order of their ids;
 * nobody else changes them until the transaction ends. Call under the privileged lock:
 * without it, somebody might be joined meanwhile.
 */
export async function lockRecords(tx: Tx, ids: readonly UserId[]): Promise<readonly User[]> {
  const named = await tx
    .selectFrom('users')
    .select('person_id')
    .where('id', 'in', [...ids])
    .where('person_id', 'is not', null)
    .execute();
  const persons = named.map((row) => row.person_id);
  const rows = await tx
    .selectFrom('users')
    .selectAll()
    .where(sql<boolean>`id = any(${[...ids]}::uuid[]) or person_id = any(${persons}::uuid[])`)
    .orderBy('id')
    .forUpdate()
    .execute();
  return rows.map(toUser);
}

/**
 * The roles that the other records of a person give: of those with access, by a
 * connection that is trusted. Somebody contained owes a fresh assertion by that
 * connection, which a session of another one does not bring.
 */
export async function rolesOfPerson(
  db: Database,
  user: Pick<User, 'id' | 'personId'>,
  trusted: ReadonlySet<string> | undefined,
): Promise<readonly string[]> {
  if (user.personId === null) return [];
  const rows = await db
    .selectFrom('users')
    .innerJoin('grants', 'grants.user_id', 'users.id')
    .select(['grants.role', 'users.connection_id'])
    .where('users.person_id', '=', user.personId)
    .where('users.id', '!=', user.id)
    .where('users.state', 'in', ['active', 'suspected'])
    .execute();
  return rows
    .filter((row) => trusted === undefined || trusted.has(row.connection_id))
    .map((row) => row.role);
}
