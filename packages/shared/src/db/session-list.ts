import { sql } from 'kysely';
import type { ConnectionId, SessionId, UserId } from '../core/ids.ts';
import { maySignIn, USER_STATES } from '../core/lifecycle.ts';
import { after, type EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import type { Database } from './database.ts';
import { endOf, type SessionEndReason, selectSessions } from './sessions.ts';
import { fromNullableTimestamp, fromTimestamp, toTimestamp } from './timestamp.ts';
import { toUser } from './users.ts';

/** A session, for whoever administers them. */
export interface ListedSession {
  readonly id: SessionId;
  readonly user: User;
  readonly connectionId: ConnectionId;
  readonly createdAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly endedAt: EpochMs | null;
  /** Why it admits nobody, and the reason code of that; null: it is live. */
  readonly end: { readonly why: SessionEndReason; readonly reason: string | null } | null;
}

/** Which sessions to list. */
export interface SessionFilter {
  readonly userId?: UserId;
  readonly connectionId?: ConnectionId;
  /** Those, too, that admit nobody any more. */
  readonly all: boolean;
  /** Continue after this session. */
  readonly after?: SessionId;
  readonly limit: number;
  /** The connections of the configuration: no other admits anybody. */
  readonly trusted: readonly ConnectionId[];
  /** How long a session may go unused, in milliseconds. */
  readonly idleMs: number;
}

/** A page of sessions, the newest first. */
export async function listSessions(
  db: Database,
  filter: SessionFilter,
  now: EpochMs,
): Promise<readonly ListedSession[]> {
  const { trusted, idleMs } = filter;
  let query = selectSessions(db);
  if (!filter.all) {
    query = selectLiveSessions(db, idleMs, now).where(
      sql<boolean>`sessions.connection_id = any(${trusted}::text[])`,
    );
  }
  if (filter.userId !== undefined) query = query.where('users.id', '=', filter.userId);
  if (filter.connectionId !== undefined) {
    query = query.where('sessions.connection_id', '=', filter.connectionId);
  }
  if (filter.after !== undefined) {
    query = query.where(
      sql<boolean>`(sessions.created_at, sessions.id) < (select created_at, id from sessions where id = ${filter.after})`,
    );
  }
  const rows = await query
    .orderBy('sessions.created_at', 'desc')
    .orderBy('sessions.id', 'desc')
    .limit(filter.limit)
    .execute();
  return rows.map((row) => {
    const user = toUser(row);
    return {
      id: row.session_id,
      user,
      connectionId: row.session_connection_id,
      createdAt: fromTimestamp(row.session_created_at),
      lastSeenAt: fromTimestamp(row.session_last_seen_at),
      expiresAt: fromTimestamp(row.session_expires_at),
      endedAt: fromNullableTimestamp(row.session_ended_at),
      end: trusted.includes(row.session_connection_id)
        ? endOf(row, user, idleMs, now)
        : { why: 'ended' as const, reason: 'connection_removed' },
    };
  });
}

/** Sessions that would be let in now; the same conditions as when a request is checked. */
export function selectLiveSessions(db: Database, idleMs: number, now: EpochMs) {
  return selectSessions(db)
    .where('users.state', 'in', USER_STATES.filter(maySignIn))
    .where('sessions.ended_at', 'is', null)
    .whereRef('sessions.user_epoch', '=', 'users.epoch')
    .whereRef('sessions.connection_epoch', '=', 'connections.epoch')
    .where('sessions.expires_at', '>', toTimestamp(now))
    .where('sessions.last_seen_at', '>', toTimestamp(after(now, -idleMs)))
    .where((where) =>
      where.or([
        where('users.state', '!=', 'contained'),
        where('sessions.created_at', '>', where.ref('users.state_changed_at')),
      ]),
    );
}
