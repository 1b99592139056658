import { type Selectable, sql } from 'kysely';
import type { ConnectionId, DirectoryId, Subject, UserId } from '../core/ids.ts';
import type { Grant, User } from '../core/user.ts';
import type { Database, Tx } from './database.ts';
import type { GrantsTable, UsersTable } from './tables.ts';
import { fromNullableTimestamp, fromTimestamp } from './timestamp.ts';

/** A user as the tables hold them. */
export function toUser(row: Selectable<UsersTable>): User {
  return {
    id: row.id,
    connectionId: row.connection_id,
    subject: row.subject,
    directoryId: row.directory_id,
    owner: row.owner,
    state: row.state,
    cause: row.cause,
    stateReason: row.state_reason,
    stateChangedAt: fromTimestamp(row.state_changed_at),
    protected: row.protected || row.protected_by_admin,
    protectedByAdmin: row.protected_by_admin,
    personId: row.person_id,
    profile: { email: row.email, givenName: row.given_name, familyName: row.family_name },
    groups: row.groups,
    groupsSeenAt: fromNullableTimestamp(row.groups_seen_at),
    attributes: new Map(Object.entries(row.attributes)),
    epoch: row.epoch,
    version: row.version,
    createdAt: fromTimestamp(row.created_at),
    lastAssertionAt: fromNullableTimestamp(row.last_assertion_at),
    lastConfirmedAt: fromNullableTimestamp(row.last_confirmed_at),
    sessionsEndedAt: fromNullableTimestamp(row.sessions_ended_at),
    purgedAt: fromNullableTimestamp(row.purged_at),
  };
}

/** A grant as the tables hold it. */
export function toGrant(row: Selectable<GrantsTable>): Grant {
  return {
    userId: row.user_id,
    role: row.role,
    connectionId: row.connection_id,
    channel: row.channel,
    seenIn: row.seen_in,
    privileged: row.privileged,
    because: row.because,
    firstSeenAt: fromTimestamp(row.first_seen_at),
    lastSeenAt: fromTimestamp(row.last_seen_at),
  };
}

/** The user of a connection with exactly this subject, or null. */
export async function findUserBySubject(
  db: Database | Tx,
  connectionId: ConnectionId,
  subject: Subject,
): Promise<User | null> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row === undefined ? null : toUser(row);
}

/** The user with this id, or null. */
export async function findUser(db: Database | Tx, id: UserId): Promise<User | null> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toUser(row);
}

/** As {@link findUser}, and nobody else changes the user until the transaction ends. */
export async function lockUser(tx: Tx, id: UserId): Promise<User | null> {
  const row = await tx
    .selectFrom('users')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? null : toUser(row);
}

/** Every grant of a user, in the order of roles. */
export async function grantsOf(db: Database | Tx, id: UserId): Promise<readonly Grant[]> {
  const rows = await db
    .selectFrom('grants')
    .selectAll()
    .where('user_id', '=', id)
    .orderBy('role')
    .orderBy('connection_id')
    .orderBy('channel')
    .execute();
  return rows.map(toGrant);
}

/**
 * Users that a person at the command line may mean: by our id, by
 * `connection:subject`, by subject, directory id or e-mail. For showing only:
 * an e-mail may name several people and never decides anything.
 */
export async function searchUsers(db: Database, text: string): Promise<readonly User[]> {
  const colon = text.indexOf(':');
  const rows = await db
    .selectFrom('users')
    .selectAll()
    .where((where) =>
      where.or([
        where(where.cast<string>('id', 'text'), '=', text),
        where('subject', '=', text as Subject),
        where('directory_id', '=', text as DirectoryId),
        where('email', '=', text),
        where.and([
          where('connection_id', '=', text.slice(0, Math.max(colon, 0)) as ConnectionId),
          where('subject', '=', text.slice(colon + 1) as Subject),
        ]),
      ]),
    )
    // Whoever is named exactly comes first, however many others are called the same.
    .orderBy(sql<boolean>`id::text = ${text} or connection_id || ':' || subject = ${text}`, 'desc')
    .orderBy('connection_id')
    .orderBy('subject')
    .limit(20)
    .execute();
  return rows.map(toUser);
}

/** Which users to list. */
export interface UserFilter {
  readonly connectionId?: ConnectionId;
  readonly state?: User['state'];
  /** Continue after this user id; ids are the order of the listing. */
  readonly after?: UserId;
  readonly limit: number;
}

/** A page of users with the roles that they hold, ordered by id. */
export async function listUsers(
  db: Database,
  filter: UserFilter,
): Promise<readonly { user: User; roles: readonly string[] }[]> {
  let query = db.selectFrom('users').selectAll().orderBy('id').limit(filter.limit);
  if (filter.connectionId !== undefined) {
    query = query.where('connection_id', '=', filter.connectionId);
  }
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.after !== undefined) query = query.where('id', '>', filter.after);
  const users = (await query.execute()).map(toUser);
  if (users.length === 0) return [];
  const grants = await db
    .selectFrom('grants')
    .select(['user_id', 'role'])
    .where(
      'user_id',
      'in',
      users.map((user) => user.id),
    )
    .execute();
  return users.map((user) => ({ user, roles: rolesOf(grants, user.id) }));
}

function rolesOf(
  grants: readonly { user_id: UserId; role: string }[],
  id: UserId,
): readonly string[] {
  return [...new Set(grants.filter((g) => g.user_id === id).map((g) => g.role))].sort();
}
