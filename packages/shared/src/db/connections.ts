import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { ConnectionId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database } from './database.ts';
import { toTimestamp } from './timestamp.ts';

/**
 * Marks the connections that are no longer configured, and takes the mark from those
 * that are again. Called by each instance when it starts: the latest start counts.
 */
export async function retireConnections(
  db: Database,
  configured: readonly ConnectionId[],
  now: EpochMs,
): Promise<void> {
  await sql`
    update connections
       set retired_at = case when id = any(${[...configured]}::text[]) then null else ${toTimestamp(now)}::timestamptz end
     where (id = any(${[...configured]}::text[])) = (retired_at is not null)`.execute(db);
}

/**
 * Makes a connection known to the database, or checks that it is the one that
 * it knows. Subjects are unique per connection, so a connection may never come
 * to mean another identity provider.
 * Throws `connection.entity_id_changed`.
 */
export async function registerConnection(
  db: Database,
  id: ConnectionId,
  entityId: string,
  now: EpochMs,
): Promise<void> {
  await db
    .insertInto('connections')
    .values({ id, entity_id: entityId, first_seen_at: toTimestamp(now) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const row = await db
    .selectFrom('connections')
    .select('entity_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (row.entity_id === entityId) return;
  throw new AppError(
    'connection.entity_id_changed',
    `Connection ${id} has people from ${row.entity_id}: give the new identity provider a connection of its own.`,
    { detail: { expected: row.entity_id, received: entityId } },
  );
}
