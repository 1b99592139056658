import { AppError } from '../core/errors.ts';
import type { ConnectionId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database } from './database.ts';
import { toTimestamp } from './timestamp.ts';

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
