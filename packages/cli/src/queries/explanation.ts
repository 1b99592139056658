import type { Config } from '@rollcall/shared/config/types';
import { maySignIn } from '@rollcall/shared/core/lifecycle';
import { mapRoles, type RoleMapping } from '@rollcall/shared/core/roles';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Grant, User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { grantsOf } from '@rollcall/shared/db/users';

/** One line of the audit trail. */
export interface AuditLine {
  readonly at: EpochMs;
  readonly kind: string;
  readonly reason: string | null;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly reference: string | null;
}

/** Why a user has, or lacks, what they have. */
export interface Explanation {
  readonly user: User;
  readonly grants: readonly Grant[];
  /** What the rules give today for the groups that were last seen. */
  readonly mapping: RoleMapping;
  /** The configuration still has the user's connection. */
  readonly connectionConfigured: boolean;
  readonly liveSessions: number;
  /** The last lines of the audit trail, newest first. */
  readonly events: readonly AuditLine[];
}

const EVENTS = 10;

/** Collects everything that explains one user. Changes nothing. */
export async function explainUser(
  db: Database,
  config: Config,
  user: User,
  now: EpochMs,
): Promise<Explanation> {
  const [grants, liveSessions, events] = await Promise.all([
    grantsOf(db, user.id),
    countLiveSessions(db, user, config.session.idleMs, now),
    lastEvents(db, user),
  ]);
  const mapping = mapRoles(
    { connection: user.connectionId, groups: user.groups, attributes: user.attributes },
    config.roles,
    config.defaultRole,
  );
  const connectionConfigured = config.connections.some(({ id }) => id === user.connectionId);
  return { user, grants, mapping, connectionConfigured, liveSessions, events };
}

/** Sessions that would be let in now; the same conditions as when a request is checked. */
async function countLiveSessions(
  db: Database,
  user: User,
  idleMs: number,
  now: EpochMs,
): Promise<number> {
  if (!maySignIn(user.state)) return 0;
  const fresh = user.state === 'contained' ? user.stateChangedAt : after(user.createdAt, -1);
  const row = await db
    .selectFrom('sessions')
    .innerJoin('connections', 'connections.id', 'sessions.connection_id')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('sessions.user_id', '=', user.id)
    .where('sessions.ended_at', 'is', null)
    .where('sessions.user_epoch', '=', user.epoch)
    .whereRef('sessions.connection_epoch', '=', 'connections.epoch')
    .where('sessions.expires_at', '>', toTimestamp(now))
    .where('sessions.last_seen_at', '>', toTimestamp(after(now, -idleMs)))
    .where('sessions.created_at', '>', toTimestamp(fresh))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function lastEvents(db: Database, user: User): Promise<readonly AuditLine[]> {
  const rows = await db
    .selectFrom('audit_events')
    .select(['at', 'kind', 'reason', 'actor', 'reference'])
    .where('user_id', '=', user.id)
    .orderBy('id', 'desc')
    .limit(EVENTS)
    .execute();
  return rows.map((row) => ({ ...row, at: fromTimestamp(row.at) }));
}
