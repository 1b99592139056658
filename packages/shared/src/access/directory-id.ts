import { sql } from 'kysely';
import type { ConnectionId, DirectoryId, Subject } from '../core/ids.ts';
import type { User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { lockName } from '../db/named-lock.ts';
import { toUser } from '../db/users.ts';

/**
 * Makes every transaction wait its turn that would make a user with this id of the
 * directory: two who know a person by different names must not make two of them. The
 * database holds no such rule, because a directory may name one person twice over.
 */
export async function lockDirectoryId(
  tx: Tx,
  connectionId: ConnectionId,
  directoryId: DirectoryId,
): Promise<void> {
  // By the same name as `is_newcomer` in the database.
  await lockName(tx, `directory id:${connectionId}:${directoryId}`);
}

/** The users of a connection whom the directory names so; one, where all is well. */
export async function usersByDirectoryId(
  tx: Tx,
  connectionId: ConnectionId,
  directoryId: DirectoryId,
): Promise<readonly User[]> {
  const rows = await tx
    .selectFrom('users')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('directory_id', '=', directoryId)
    .orderBy('id')
    .limit(2)
    .execute();
  return rows.map(toUser);
}

/**
 * Gives a user whom SCIM answers for, or made known, by the id of the directory the name
 * that assertions have for the person: the first one, or to SCIM's also another than
 * before. True where there was one to be named.
 */
export async function nameByAssertion(
  tx: Tx,
  connectionId: ConnectionId,
  directoryId: DirectoryId,
  subject: Subject,
): Promise<boolean> {
  const { rows } = await sql`
    update users set subject = ${subject}, version = version + 1
     where id = (select id from users
                  where connection_id = ${connectionId} and directory_id = ${directoryId}
                    and (owner = 'scim' or subject = 'scim:' || id::text) and purged_at is null
                  order by id limit 1)
    returning id`.execute(tx);
  return rows.length > 0;
}

/**
 * Whether a client over SCIM has given this id to somebody: who comes with it, and is not
 * known by it, must not become a second person of whom the client knows nothing.
 */
export async function isGivenOverScim(
  tx: Tx,
  connectionId: ConnectionId,
  directoryId: DirectoryId,
): Promise<boolean> {
  const { rows } = await sql`
    select from scim_users
     where connection_id = ${connectionId} and external_id = ${directoryId}`.execute(tx);
  return rows.length > 0;
}
