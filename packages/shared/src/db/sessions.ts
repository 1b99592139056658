import type { InferResult } from 'kysely';
import type { SignedNameId } from '../access/change.ts';
import type { ConnectionId, SessionId } from '../core/ids.ts';
import { maySignIn } from '../core/lifecycle.ts';
import { after, type EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import type { Database } from './database.ts';
import { rolesOfPerson } from './persons.ts';
import { fromTimestamp, toTimestamp } from './timestamp.ts';
import { toUser } from './users.ts';

/** Why a session admits nobody. */
export type SessionEndReason =
  | 'unknown_session'
  | 'ended'
  | 'expired'
  | 'idle'
  | 'deactivated'
  | 'epoch_passed'
  | 'fresh_sign_in_needed';

/** A session, checked against the state of its user at this moment. */
export type SessionReading =
  | {
      readonly kind: 'live';
      readonly sessionId: SessionId;
      readonly connectionId: ConnectionId;
      readonly user: User;
      readonly roles: readonly string[];
      readonly expiresAt: EpochMs;
    }
  | {
      readonly kind: 'dead';
      readonly why: SessionEndReason;
      /** The reason code with which it was ended, for the page that says so. */
      readonly reason: string | null;
    };

/** How often a session's last use is written down, in milliseconds: not at every request. */
const TOUCH_EVERY = 60_000;
/** Nor so seldom that a short idle limit would end a session that is in use. */
const TOUCHES_PER_IDLE = 10;

/** How a session is read. */
export interface SessionUse {
  readonly idleMs: number;
  readonly used: boolean;
  readonly trusted?: ReadonlySet<string>;
}

/**
 * Reads a session together with its user's state, epoch and roles, in one query,
 * so that whoever is swept out is out at the next request on every instance.
 * Anything in doubt is dead; a database that does not answer throws.
 *
 * @param options.idleMs how long a session may go unused, in milliseconds.
 * @param options.used whether this is a use of the session, which begins the wait anew.
 * @param options.trusted the connections of the configuration: what a joined record of
 * another one gives counts no more. Left out: whatever the database knows.
 */
export async function readSession(
  db: Database,
  id: SessionId,
  { idleMs, used, trusted }: SessionUse,
  now: EpochMs,
): Promise<SessionReading> {
  const row = await selectSessions(db)
    .select((select) =>
      select
        .selectFrom('grants')
        .select((inner) => inner.fn.agg<string[] | null>('array_agg', ['grants.role']).as('roles'))
        .whereRef('grants.user_id', '=', 'users.id')
        .as('roles'),
    )
    .where('sessions.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return { kind: 'dead', why: 'unknown_session', reason: null };
  const user = toUser(row);
  const end = endOf(row, user, idleMs, now);
  if (end !== null) return { kind: 'dead', ...end };
  const sinceUsed = now - fromTimestamp(row.session_last_seen_at);
  if (used && sinceUsed >= Math.min(TOUCH_EVERY, idleMs / TOUCHES_PER_IDLE)) {
    await touch(db, id, now);
  }
  return {
    kind: 'live',
    sessionId: id,
    connectionId: row.session_connection_id,
    user,
    roles: [...new Set([...(row.roles ?? []), ...(await rolesOfPerson(db, user, trusted))])].sort(),
    expiresAt: fromTimestamp(row.session_expires_at),
  };
}

/** Sessions with their users and the epochs of today. */
export function selectSessions(db: Database) {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .innerJoin('connections', 'connections.id', 'sessions.connection_id')
    .selectAll('users')
    .select([
      'sessions.id as session_id',
      'sessions.connection_id as session_connection_id',
      'sessions.user_epoch as session_user_epoch',
      'sessions.connection_epoch as session_connection_epoch',
      'connections.epoch as current_connection_epoch',
      'sessions.created_at as session_created_at',
      'sessions.last_seen_at as session_last_seen_at',
      'sessions.expires_at as session_expires_at',
      'sessions.ended_at as session_ended_at',
      'sessions.ended_reason as session_ended_reason',
    ]);
}

/** A row of {@link selectSessions}. */
export type SessionRow = InferResult<ReturnType<typeof selectSessions>>[number];

/** Why a session admits nobody now, and the reason code with which it was ended; null: it is live. */
export function endOf(
  row: SessionRow,
  user: User,
  idleMs: number,
  now: EpochMs,
): { readonly why: SessionEndReason; readonly reason: string | null } | null {
  const end = (why: SessionEndReason, reason: string | null = null) => ({ why, reason });
  // First what is so now: a session that was ended says nothing of somebody who is back.
  if (!maySignIn(user.state)) return end('deactivated', user.stateReason);
  if (row.session_ended_at !== null) return end('ended', row.session_ended_reason);
  if (row.session_user_epoch !== user.epoch) return end('epoch_passed', user.stateReason);
  if (row.session_connection_epoch !== row.current_connection_epoch) return end('epoch_passed');
  if (now >= fromTimestamp(row.session_expires_at)) return end('expired');
  if (now >= after(fromTimestamp(row.session_last_seen_at), idleMs)) return end('idle');
  const createdAt = fromTimestamp(row.session_created_at);
  if (user.state === 'contained' && createdAt <= user.stateChangedAt) {
    return end('fresh_sign_in_needed', user.stateReason);
  }
  return null;
}

/** How the identity provider names a session (SAML Core §3.7.1); null where there is none. */
export async function findSessionName(
  db: Database,
  id: SessionId,
): Promise<{ readonly nameId: SignedNameId; readonly sessionIndex: string | null } | null> {
  const row = await db
    .selectFrom('sessions')
    .select(['name_id', 'name_id_format', 'name_qualifier', 'sp_name_qualifier', 'session_index'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    nameId: {
      value: row.name_id,
      format: row.name_id_format,
      nameQualifier: row.name_qualifier,
      spNameQualifier: row.sp_name_qualifier,
    },
    sessionIndex: row.session_index,
  };
}

/** Writes down that a session was used. Never wakes one that has ended. */
async function touch(db: Database, id: SessionId, now: EpochMs): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ last_seen_at: toTimestamp(now) })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    // Two instances at once, or a clock behind: the later use stands.
    .where('last_seen_at', '<', toTimestamp(now))
    .execute();
}
