import { type RawBuilder, sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { ConnectionId, DirectoryId, Subject, UserId } from '../core/ids.ts';
import type { Cause, Owner } from '../core/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from '../db/database.ts';
import { fromTimestamp } from '../db/timestamp.ts';
import { recordAudit } from './record.ts';

/** An end of access that stands against somebody's coming in as somebody new. */
export interface StandingEnd {
  readonly owner: Owner;
  readonly cause: Cause;
  readonly stateChangedAt: EpochMs;
  /** Null where the person was purged. */
  readonly stateReason: string | null;
  readonly purged: boolean;
}

/** Whom a connection names. */
export interface NamedByConnection {
  readonly connectionId: ConnectionId;
  readonly subject: Subject | null;
  readonly directoryId: DirectoryId | null;
}

/**
 * Every end of access of whoever has this subject or this id in the directory: of those who
 * were purged, and of those who are known by another subject. A person whom the directory
 * names once does not come back by being named otherwise; one end that stands is enough,
 * however many others are newer. Whoever has access by some record of the same id comes in
 * anyway, and for them nothing is asked but the tombstones.
 */
export async function endsOf(
  tx: Database | Tx,
  named: NamedByConnection,
): Promise<readonly StandingEnd[]> {
  const { connectionId, directoryId } = named;
  const { rows } = await sql<{
    owner: Owner;
    cause: Cause;
    ended_at: Date;
    reason: string | null;
    purged: boolean;
  }>`
    select owner, cause, ended_at, null as reason, true as purged from tombstones
     where ${isOf(named)}
    union all
    select u.owner, u.cause, u.state_changed_at, u.state_reason, false from users u
     where u.connection_id = ${connectionId} and u.directory_id = ${directoryId}::text
       and u.state in ('deactivated', 'purge_eligible')
       and not exists (
         select from users other
          where other.connection_id = u.connection_id and other.directory_id = u.directory_id
            and other.state in ('active', 'suspected', 'contained'))
     order by ended_at desc`.execute(tx);
  return rows.map(({ owner, cause, ended_at, reason, purged }) => {
    const stateChangedAt = fromTimestamp(ended_at);
    return { owner, cause, stateChangedAt, stateReason: reason, purged };
  });
}

/**
 * Takes a tombstone away, with those of the same id in the directory: from then on the
 * person is somebody new, who comes in as anybody does. False where there is none.
 */
export async function liftTombstone(
  tx: Tx,
  named: NamedByConnection,
  reason: string,
  actor: Actor,
  now: EpochMs,
): Promise<boolean> {
  const { rows } = await sql<{ user_id: UserId }>`
    delete from tombstones where ${isOf(named)}
        or connection_id = ${named.connectionId} and directory_hash in (
          select directory_hash from tombstones where ${isOf(named)})
    returning user_id`.execute(tx);
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
