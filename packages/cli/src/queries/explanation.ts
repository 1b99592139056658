import type { Config } from '@rollcall/shared/config/types';
import { mapRoles, type RoleMapping } from '@rollcall/shared/core/roles';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Grant, User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { selectLiveSessions } from '@rollcall/shared/db/session-list';
import { fromTimestamp } from '@rollcall/shared/db/timestamp';
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
  const connection = config.connections.find(({ id }) => id === user.connectionId);
  const mapping = mapRoles(
    {
      connection: user.connectionId,
      groups: user.groups,
      aliases: connection?.groupAliases ?? new Map(),
      attributes: user.attributes,
    },
    config.roles,
    config.defaultRole,
  );
  const connectionConfigured = connection !== undefined;
  return { user, grants, mapping, connectionConfigured, liveSessions, events };
}

/** How many sessions would be let in now. */
export async function countLiveSessions(
  db: Database,
  user: User,
  idleMs: number,
  now: EpochMs,
): Promise<number> {
  const row = await selectLiveSessions(db, idleMs, now)
    .clearSelect()
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('users.id', '=', user.id)
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
