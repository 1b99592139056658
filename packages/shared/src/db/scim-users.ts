import { type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import type { ConnectionId, ScimGroupId, UserId } from '../core/ids.ts';
import { hasAccess, type UserState } from '../core/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import type { ScimUsersTable } from './tables.ts';
import { fromTimestamp, toTimestamp } from './timestamp.ts';

/** What is kept of a user for SCIM. */
export interface ScimUserRecord {
  readonly id: UserId;
  readonly seq: string;
  /** Whether the client says so, and there is access: an administrator may have ended it. */
  readonly active: boolean;
  /** What the client says alone. */
  readonly said: boolean;
  readonly resource: object;
  readonly version: number;
  readonly createdAt: EpochMs;
  readonly modifiedAt: EpochMs;
}

/** What is written of a user for SCIM. */
export interface ScimUserEntry {
  readonly userNameKey: string;
  readonly externalId: string | null;
  readonly active: boolean;
  readonly emailKeys: readonly string[];
  readonly resource: object;
  readonly search: object;
}

/** A page of a listing: so many rows, behind so many behind a place. */
export interface ScimPage {
  readonly where: RawBuilder<SqlBool>;
  /** Null: in the order in which they came. */
  readonly order: { readonly by: RawBuilder<unknown>; readonly descending: boolean } | null;
  readonly afterSeq: string | null;
  readonly offset: number;
  readonly limit: number;
}

/** How a page is ordered, by the number of a row where nothing else is said. */
export function orderOf(order: ScimPage['order'], seq: RawBuilder<unknown>): RawBuilder<unknown> {
  if (order === null) return seq;
  const direction = order.descending ? sql`desc nulls first` : sql`asc nulls last`;
  return sql`${order.by} ${direction}, ${seq}`;
}

type Row = Pick<
  Selectable<ScimUsersTable>,
  'user_id' | 'seq' | 'active' | 'resource' | 'version' | 'created_at' | 'modified_at'
> & { readonly state: UserState };

/** What a record is made of: not what it is only found by. */
const RECORD = sql`s.user_id, s.seq, s.active, s.resource, s.version, s.created_at, s.modified_at, users.state`;

/** The user of a connection with this id, or null. */
export async function findScimUser(
  db: Database | Tx,
  connectionId: ConnectionId,
  id: UserId,
): Promise<ScimUserRecord | null> {
  const { rows } = await sql<Row>`
    select ${RECORD} from scim_users s join users on users.id = s.user_id
     where s.user_id = ${id} and s.connection_id = ${connectionId}`.execute(db);
  const [row] = rows;
  return row === undefined ? null : toRecord(row);
}

/** Whether a client says of a user that they are active; false for whom no client knows. */
export async function isActiveOverScim(tx: Tx, id: UserId): Promise<boolean> {
  const row = await tx
    .selectFrom('scim_users')
    .select('active')
    .where('user_id', '=', id)
    .executeTakeFirst();
  return row?.active === true;
}

/** Whether nobody of a connection has a userName yet, in one case. */
export async function isScimNameFree(
  tx: Tx,
  connectionId: ConnectionId,
  userNameKey: string,
): Promise<boolean> {
  const row = await tx
    .selectFrom('scim_users')
    .select('user_id')
    .where('connection_id', '=', connectionId)
    .where('user_name_key', '=', userNameKey)
    .executeTakeFirst();
  return row === undefined;
}

/**
 * A page of a connection's users; `s` is the row in the conditions. The ids of the page
 * are found first: the rows in front of it, however many, are read no further.
 */
export async function listScimUsers(
  db: Database | Tx,
  connectionId: ConnectionId,
  page: ScimPage,
): Promise<readonly ScimUserRecord[]> {
  const { where, afterSeq, offset, limit } = page;
  const behind = afterSeq === null ? sql`` : sql`and s.seq > ${afterSeq}::bigint`;
  const ordered = orderOf(page.order, sql`s.seq`);
  const { rows } = await sql<Row>`
    select ${RECORD}
      from (select s.user_id from scim_users s
             where s.connection_id = ${connectionId} and ${where} ${behind}
             order by ${ordered} limit ${limit} offset ${offset}) as found
      join scim_users s on s.user_id = found.user_id
      join users on users.id = s.user_id
     order by ${ordered}`.execute(db);
  return rows.map(toRecord);
}

/** How many users of a connection satisfy a condition. */
export async function countScimUsers(
  db: Database | Tx,
  connectionId: ConnectionId,
  where: RawBuilder<SqlBool>,
): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) as count from scim_users s
     where s.connection_id = ${connectionId} and ${where}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

/** Makes the SCIM side of a user. A name that is taken breaks `unique`: the caller's transaction ends. */
export async function insertScimUser(
  tx: Tx,
  connectionId: ConnectionId,
  id: UserId,
  entry: ScimUserEntry,
  now: EpochMs,
): Promise<void> {
  await tx
    .insertInto('scim_users')
    .values({
      user_id: id,
      connection_id: connectionId,
      ...columnsOf(entry),
      created_at: toTimestamp(now),
      modified_at: toTimestamp(now),
    })
    .execute();
}

/** Writes it anew, as another version. The user's row is locked. */
export async function updateScimUser(
  tx: Tx,
  id: UserId,
  entry: ScimUserEntry,
  now: EpochMs,
): Promise<void> {
  await tx
    .updateTable('scim_users')
    .set({ ...columnsOf(entry), version: sql`version + 1`, modified_at: toTimestamp(now) })
    .where('user_id', '=', id)
    .execute();
}

/** Takes the SCIM side of a user away, and the user out of every group of SCIM. */
export async function deleteScimUser(tx: Tx, id: UserId): Promise<void> {
  await tx.deleteFrom('scim_users').where('user_id', '=', id).execute();
}

/** A group as a user's representation names it. */
export interface GroupOfUser {
  readonly userId: UserId;
  readonly groupId: ScimGroupId;
  readonly displayName: string;
}

/** The groups of users, in the order of their names. */
export async function groupsOfScimUsers(
  db: Database | Tx,
  ids: readonly UserId[],
): Promise<ReadonlyMap<UserId, readonly GroupOfUser[]>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ user_id: UserId; group_id: ScimGroupId; display_name: string }>`
    select m.user_id, m.group_id, g.display_name
      from scim_group_members m join scim_groups g on g.id = m.group_id
     where m.user_id = any(${[...ids]}::uuid[])
     order by g.display_name, g.id`.execute(db);
  const groups = rows.map(({ user_id: userId, group_id: groupId, display_name: displayName }) => {
    return { userId, groupId, displayName };
  });
  return Map.groupBy(groups, ({ userId }) => userId);
}

function toRecord(row: Row): ScimUserRecord {
  return {
    id: row.user_id,
    seq: row.seq,
    active: row.active && hasAccess(row.state),
    said: row.active,
    resource: row.resource,
    version: row.version,
    createdAt: fromTimestamp(row.created_at),
    modifiedAt: fromTimestamp(row.modified_at),
  };
}

function columnsOf({
  userNameKey,
  externalId,
  active,
  emailKeys,
  resource,
  search,
}: ScimUserEntry) {
  return {
    user_name_key: userNameKey,
    external_id: externalId,
    active,
    email_keys: [...emailKeys],
    resource: JSON.stringify(resource),
    search: JSON.stringify(search),
  };
}
