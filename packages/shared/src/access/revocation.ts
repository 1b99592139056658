import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { ConnectionId, SessionId, UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import { isSameNameId, lockNameId, rememberLogout } from '../db/logouts.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { lockUser } from '../db/users.ts';
import type {
  AccessOutcome,
  ConnectionSessionsEnd,
  NamedSessionsEnd,
  UserSessionsEnd,
} from './change.ts';
import { putAllIntoOutbox, recordAudit, recordAudits } from './record.ts';

/** A session that has just been ended. */
interface EndedSession {
  readonly id: SessionId;
  readonly user_id: UserId;
  readonly connection_id: ConnectionId;
}

/**
 * Ends every session of a user. A sign-in that is on its way makes none: it waits for
 * the user's row, and finds there that it was begun before. The state stays as it is.
 */
export async function revokeSessionsOfUser(
  tx: Tx,
  change: UserSessionsEnd,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const user = await lockUser(tx, change.userId);
  if (user === null) return { kind: 'refused', code: 'no_such_user', user: null };
  // The version stays: plans judge whether somebody exists, not whether they are signed in.
  await tx
    .updateTable('users')
    .set({ epoch: user.epoch + 1, sessions_ended_at: toTimestamp(now) })
    .where('id', '=', user.id)
    .execute();
  const ended = await tx
    .updateTable('sessions')
    .set({ ended_at: toTimestamp(now), ended_reason: change.reason })
    .where('user_id', '=', user.id)
    .where('ended_at', 'is', null)
    .returning(['id', 'user_id', 'connection_id'])
    .execute();
  if (ended.length === 0) {
    const head = { userId: user.id, connectionId: user.connectionId, reason: change.reason };
    const evidence = { ...change.evidence, sessionIds: [] };
    await recordAudit(tx, { kind: 'sessions.revoked', ...head, evidence }, actor, now);
  }
  await recordEnded(tx, ended, change, actor, now);
  return outcomeOf(ended);
}

/**
 * Ends every session by a connection, whichever user it is of. Its epoch rises, so that
 * a session which a sign-in is just writing is dead when it is first read.
 */
export async function revokeSessionsOfConnection(
  tx: Tx,
  change: ConnectionSessionsEnd,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const { connectionId, reason } = change;
  const raised = await tx
    .updateTable('connections')
    .set({ epoch: sql`epoch + 1`, sessions_ended_at: toTimestamp(now) })
    .where('id', '=', connectionId)
    .executeTakeFirst();
  if (raised.numUpdatedRows === 0n) {
    return { kind: 'refused', code: 'no_such_connection', user: null };
  }
  const ended = await tx
    .updateTable('sessions')
    .set({ ended_at: toTimestamp(now), ended_reason: reason })
    .where('connection_id', '=', connectionId)
    .where('ended_at', 'is', null)
    .returning(['id', 'user_id', 'connection_id'])
    .execute();
  const outcome = outcomeOf(ended);
  const evidence = { ...change.evidence, sessions: outcome.sessions, users: outcome.users };
  const head = { userId: null, connectionId, reason };
  await recordAudit(tx, { kind: 'sessions.revoked', ...head, evidence }, actor, now);
  await recordEnded(tx, ended, { reason, evidence: change.evidence }, actor, now);
  return outcome;
}

/**
 * Ends the sessions that an identity provider names (SAML Core §3.7.3.2), and remembers
 * the logout for an assertion that it has overtaken. A request counts once: another of
 * the same ID is `unchanged`.
 */
export async function revokeNamedSessions(
  tx: Tx,
  change: NamedSessionsEnd,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const { connectionId, nameId, sessionIndexes, requestId, reason } = change;
  await lockNameId(tx, connectionId, nameId);
  const isNew = await rememberLogout(tx, { ...change, expiresAt: change.rememberUntil });
  if (!isNew) return { kind: 'unchanged', user: null };
  let update = tx
    .updateTable('sessions')
    .set({ ended_at: toTimestamp(now), ended_reason: reason })
    .where('connection_id', '=', connectionId)
    .where('ended_at', 'is', null)
    .where(isSameNameId('sessions', nameId));
  // A session whose index was never told may be the one that is meant.
  if (sessionIndexes.length > 0) {
    update = update.where((where) =>
      where.or([
        where('session_index', 'is', null),
        where('session_index', 'in', [...sessionIndexes]),
      ]),
    );
  }
  const ended = await update.returning(['id', 'user_id', 'connection_id']).execute();
  const evidence = { requestId, issuedAt: change.issuedAt };
  if (ended.length === 0) {
    const head = { userId: null, connectionId, reason };
    const none = { ...evidence, sessions: 0 };
    await recordAudit(tx, { kind: 'sessions.revoked', ...head, evidence: none }, actor, now);
  }
  await recordEnded(tx, ended, { reason, evidence }, actor, now);
  return outcomeOf(ended);
}

/** Writes into the trail of each person what they lost, and tells those who listen. */
async function recordEnded(
  tx: Tx,
  ended: readonly EndedSession[],
  { reason, evidence }: { reason: string; evidence: Readonly<Record<string, unknown>> },
  actor: Actor,
  now: EpochMs,
): Promise<void> {
  const perUser = [...byUser(ended)].map(([userId, sessions]) => ({
    userId,
    connectionId: sessions[0]?.connection_id ?? null,
    sessionIds: sessions.map(({ id }) => id),
  }));
  const entries = perUser.map(({ userId, connectionId, sessionIds }) => ({
    kind: 'sessions.revoked' as const,
    userId,
    connectionId,
    reason,
    evidence: { ...evidence, sessionIds },
  }));
  await recordAudits(tx, entries, actor, now);
  const told = perUser.map(({ userId, sessionIds }) => [userId, { sessionIds, reason }] as const);
  await putAllIntoOutbox(tx, 'session.revoked', told, now);
}

function byUser(ended: readonly EndedSession[]): ReadonlyMap<UserId, readonly EndedSession[]> {
  return Map.groupBy(ended, (session) => session.user_id);
}

function outcomeOf(
  ended: readonly EndedSession[],
): Extract<AccessOutcome, { kind: 'sessions_ended' }> {
  return { kind: 'sessions_ended', sessions: ended.length, users: byUser(ended).size };
}
