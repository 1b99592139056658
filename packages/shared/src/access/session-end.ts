import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import type { AccessOutcome, SessionEnd } from './change.ts';
import { putAllIntoOutbox, putIntoOutbox, recordAudit } from './record.ts';

/** Ends one session. A session that has ended, or never was, is `unchanged`. */
export async function endSession(
  tx: Tx,
  change: SessionEnd,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const ended = await tx
    .updateTable('sessions')
    .set({ ended_at: toTimestamp(now), ended_reason: change.reason })
    .where('id', '=', change.sessionId)
    .where('ended_at', 'is', null)
    .returning(['user_id', 'connection_id'])
    .executeTakeFirst();
  if (ended === undefined) return { kind: 'unchanged', user: null };
  await recordAudit(
    tx,
    {
      kind: 'session.ended',
      userId: ended.user_id,
      connectionId: ended.connection_id,
      reason: change.reason,
      evidence: { ...change.evidence, sessionId: change.sessionId },
    },
    actor,
    now,
  );
  const payload = { sessionIds: [change.sessionId], reason: change.reason };
  await putIntoOutbox(tx, 'session.revoked', ended.user_id, payload, now);
  return { kind: 'session_ended', userId: ended.user_id };
}

/** Ends every live session of any number of users. */
export async function endSessionsOfUsers(
  tx: Tx,
  userIds: readonly UserId[],
  reason: string,
  now: EpochMs,
): Promise<void> {
  if (userIds.length === 0) return;
  const ended = await tx
    .updateTable('sessions')
    .set({ ended_at: toTimestamp(now), ended_reason: reason })
    .where(sql<boolean>`user_id = any(${[...userIds]}::uuid[])`)
    .where('ended_at', 'is', null)
    .returning(['id', 'user_id'])
    .execute();
  const perUser = [...Map.groupBy(ended, (session) => session.user_id)];
  const told = perUser.map(([userId, sessions]) => {
    return [userId, { sessionIds: sessions.map(({ id }) => id), reason }] as const;
  });
  await putAllIntoOutbox(tx, 'session.revoked', told, now);
}

/** Ends every live session of a user; answers with how many there were. */
export async function endSessionsOfUser(
  tx: Tx,
  userId: UserId,
  reason: string,
  now: EpochMs,
): Promise<number> {
  const ended = await tx
    .updateTable('sessions')
    .set({ ended_at: toTimestamp(now), ended_reason: reason })
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .returning('id')
    .execute();
  if (ended.length > 0) {
    const sessionIds = ended.map((session) => session.id);
    await putIntoOutbox(tx, 'session.revoked', userId, { sessionIds, reason }, now);
  }
  return ended.length;
}
