import { type RawBuilder, sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { ConnectionId, DirectoryId, Subject, UserId } from '../core/ids.ts';
import type { Cause, Owner } from '../core/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from '../db/database.ts';
import { fromTimestamp } from '../db/timestamp.ts';
import { recordAudit } from './record.ts';

/** What is left of somebody who was purged. */
export interface Tombstone {
  readonly userId: UserId;
  readonly owner: Owner;
  readonly cause: Cause;
  /** When the access ended. */
  readonly endedAt: EpochMs;
}

/** Whom a connection names. */
export interface NamedByConnection {
  readonly connectionId: ConnectionId;
  readonly subject: Subject | null;
  readonly directoryId: DirectoryId | null;
}

/** The newest tombstone of whoever has this subject, or this id in the directory; or null. */
export async function findTombstone(
  tx: Database | Tx,
  named: NamedByConnection,
): Promise<Tombstone | null> {
  const { rows } = await sql<{ user_id: UserId; owner: Owner; cause: Cause; ended_at: Date }>`
    select user_id, owner, cause, ended_at from tombstones
     where ${isOf(named)} order by ended_at desc limit 1`.execute(tx);
  const [row] = rows;
  if (row === undefined) return null;
  const { user_id: userId, owner, cause } = row;
  return { userId, owner, cause, endedAt: fromTimestamp(row.ended_at) };
}

/**
 * Takes a tombstone away: from then on the person is somebody new, who comes in as anybody
 * does. False where there is none.
 */
export async function liftTombstone(
  tx: Tx,
  named: NamedByConnection,
  reason: string,
  actor: Actor,
  now: EpochMs,
): Promise<boolean> {
  const { rows } = await sql<{ user_id: UserId }>`
    delete from tombstones where ${isOf(named)} returning user_id`.execute(tx);
  for (const { user_id } of rows) {
    await recordAudit(
      tx,
      {
        kind: 'tombstone.lifted',
        userId: user_id,
        connectionId: named.connectionId,
        reason: 'by_admin',
        evidence: { because: reason },
      },
      actor,
      now,
    );
  }
  return rows.length > 0;
}

function isOf({ connectionId, subject, directoryId }: NamedByConnection): RawBuilder<boolean> {
  return sql<boolean>`connection_id = ${connectionId}
    and (subject_hash = tombstone_hash(${connectionId}, ${subject}::text)
      or directory_hash = tombstone_hash(${connectionId}, ${directoryId}::text))`;
}
