import { type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import type { ConnectionId, ScimGroupId, UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import { orderOf, type ScimPage } from './scim-users.ts';
import type { ScimGroupsTable } from './tables.ts';
import { fromTimestamp, toTimestamp } from './timestamp.ts';

/** What is kept of a group. */
export interface ScimGroupRecord {
  readonly id: ScimGroupId;
  readonly seq: string;
  readonly displayName: string;
  readonly resource: object;
  readonly version: number;
  readonly createdAt: EpochMs;
  readonly modifiedAt: EpochMs;
}

/** What is written of a group. */
export interface ScimGroupEntry {
  readonly displayName: string;
  readonly displayNameKey: string;
  readonly externalId: string | null;
  readonly resource: object;
  readonly search: object;
}

/** The group of a connection with this id, or null. */
export async function findScimGroup(
  db: Database | Tx,
  connectionId: ConnectionId,
  id: ScimGroupId,
): Promise<ScimGroupRecord | null> {
  const row = await db
    .selectFrom('scim_groups')
    .selectAll()
    .where('id', '=', id)
    .where('connection_id', '=', connectionId)
    .executeTakeFirst();
  return row === undefined ? null : toRecord(row);
}

/** As {@link findScimGroup}, and nobody else changes the group until the transaction ends. */
export async function lockScimGroup(
  tx: Tx,
  connectionId: ConnectionId,
  id: ScimGroupId,
): Promise<ScimGroupRecord | null> {
  const row = await tx
    .selectFrom('scim_groups')
    .selectAll()
    .where('id', '=', id)
    .where('connection_id', '=', connectionId)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? null : toRecord(row);
}

/** A page of a connection's groups; `g` is the row in the conditions. */
export async function listScimGroups(
  db: Database | Tx,
  connectionId: ConnectionId,
  page: ScimPage,
): Promise<readonly ScimGroupRecord[]> {
  const { where, afterSeq, offset, limit } = page;
  const behind = afterSeq === null ? sql`` : sql`and g.seq > ${afterSeq}::bigint`;
  const { rows } = await sql<Selectable<ScimGroupsTable>>`
    select g.* from scim_groups g
     where g.connection_id = ${connectionId} and ${where} ${behind}
     order by ${orderOf(page.order, sql`g.seq`)} limit ${limit} offset ${offset}`.execute(db);
  return rows.map(toRecord);
}

/** How many groups of a connection satisfy a condition. */
export async function countScimGroups(
  db: Database | Tx,
  connectionId: ConnectionId,
  where: RawBuilder<SqlBool>,
): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) as count from scim_groups g
     where g.connection_id = ${connectionId} and ${where}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

/** Makes a group. A name that is taken breaks `unique`: the caller's transaction ends. */
export async function insertScimGroup(
  tx: Tx,
  connectionId: ConnectionId,
  id: ScimGroupId,
  entry: ScimGroupEntry,
  now: EpochMs,
): Promise<void> {
  await tx
    .insertInto('scim_groups')
    .values({
      id,
      connection_id: connectionId,
      ...columnsOf(entry),
      created_at: toTimestamp(now),
      modified_at: toTimestamp(now),
    })
    .execute();
}

/** Writes it anew, as another version. Its row is locked. */
export async function updateScimGroup(
  tx: Tx,
  id: ScimGroupId,
  entry: ScimGroupEntry,
  now: EpochMs,
): Promise<void> {
  await tx
    .updateTable('scim_groups')
    .set({ ...columnsOf(entry), version: sql`version + 1`, modified_at: toTimestamp(now) })
    .where('id', '=', id)
    .execute();
}

/** Says that the members are others: another version. */
export async function touchScimGroup(tx: Tx, id: ScimGroupId, now: EpochMs): Promise<void> {
  await tx
    .updateTable('scim_groups')
    .set({ version: sql`version + 1`, modified_at: toTimestamp(now) })
    .where('id', '=', id)
    .execute();
}

/** Takes a group away; its memberships go with it. */
export async function deleteScimGroup(tx: Tx, id: ScimGroupId): Promise<void> {
  await tx.deleteFrom('scim_groups').where('id', '=', id).execute();
}

/** A member as a group's representation names it. */
export interface ScimMember {
  readonly groupId: ScimGroupId;
  readonly userId: UserId;
  readonly display: string | null;
}

/** The members of groups, in the order in which they became known. */
export async function membersOfScimGroups(
  db: Database | Tx,
  ids: readonly ScimGroupId[],
): Promise<ReadonlyMap<ScimGroupId, readonly ScimMember[]>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ group_id: ScimGroupId; user_id: UserId; display: string | null }>`
    select m.group_id, m.user_id,
           coalesce(s.resource ->> 'displayName', s.resource ->> 'userName') as display
      from scim_group_members m join scim_users s on s.user_id = m.user_id
     where m.group_id = any(${[...ids]}::uuid[])
     order by s.seq`.execute(db);
  const members = rows.map(({ group_id: groupId, user_id: userId, display }) => {
    return { groupId, userId, display };
  });
  return Map.groupBy(members, ({ groupId }) => groupId);
}

/** The ids of a group's members. */
export async function memberIdsOf(tx: Tx, id: ScimGroupId): Promise<readonly UserId[]> {
  const rows = await tx
    .selectFrom('scim_group_members')
    .select('user_id')
    .where('group_id', '=', id)
    .execute();
  return rows.map((row) => row.user_id);
}

/** Those of the ids that are users of the connection over SCIM. */
export async function knownScimUsers(
  tx: Tx,
  connectionId: ConnectionId,
  ids: readonly UserId[],
): Promise<ReadonlySet<UserId>> {
  const { rows } = await sql<{ user_id: UserId }>`
    select user_id from scim_users
     where user_id = any(${[...ids]}::uuid[]) and connection_id = ${connectionId}`.execute(tx);
  return new Set(rows.map((row) => row.user_id));
}

/** Adds members; answers with those who were none. */
export async function addMembers(
  tx: Tx,
  id: ScimGroupId,
  userIds: readonly UserId[],
): Promise<readonly UserId[]> {
  const { rows } = await sql<{ user_id: UserId }>`
    insert into scim_group_members (group_id, user_id)
    select ${id}, added from unnest(${[...userIds].sort()}::uuid[]) as added
    on conflict do nothing returning user_id`.execute(tx);
  return rows.map((row) => row.user_id);
}

/** Takes members away; answers with those who were some. */
export async function removeMembers(
  tx: Tx,
  id: ScimGroupId,
  userIds: readonly UserId[],
): Promise<readonly UserId[]> {
  const { rows } = await sql<{ user_id: UserId }>`
    delete from scim_group_members
     where group_id = ${id} and user_id = any(${[...userIds]}::uuid[])
    returning user_id`.execute(tx);
  return rows.map((row) => row.user_id);
}

/** The members of a group that satisfy a condition; `m` is the membership, `s` the user. */
export async function selectMembers(
  tx: Tx,
  id: ScimGroupId,
  where: RawBuilder<SqlBool>,
): Promise<readonly UserId[]> {
  const { rows } = await sql<{ user_id: UserId }>`
    select m.user_id from scim_group_members m join scim_users s on s.user_id = m.user_id
     where m.group_id = ${id} and ${where}`.execute(tx);
  return rows.map((row) => row.user_id);
}

/** What decides the roles of a user: names of groups, and attributes. */
export interface RoleFacts {
  readonly userId: UserId;
  readonly groups: readonly string[];
  readonly resource: object;
}

/** What decides the roles of users, as it is now. */
export async function roleFactsOf(tx: Tx, ids: readonly UserId[]): Promise<readonly RoleFacts[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<{ user_id: UserId; groups: string[]; resource: object }>`
    select s.user_id, s.resource,
           array(select g.display_name from scim_group_members m
                   join scim_groups g on g.id = m.group_id
                  where m.user_id = s.user_id) as groups
      from scim_users s where s.user_id = any(${[...ids]}::uuid[])`.execute(tx);
  return rows.map(({ user_id: userId, groups, resource }) => ({ userId, groups, resource }));
}

function toRecord(row: Selectable<ScimGroupsTable>): ScimGroupRecord {
  return {
    id: row.id,
    seq: row.seq,
    displayName: row.display_name,
    resource: row.resource,
    version: row.version,
    createdAt: fromTimestamp(row.created_at),
    modifiedAt: fromTimestamp(row.modified_at),
  };
}

function columnsOf(entry: ScimGroupEntry) {
  return {
    display_name: entry.displayName,
    display_name_key: entry.displayNameKey,
    external_id: entry.externalId,
    resource: JSON.stringify(entry.resource),
    search: JSON.stringify(entry.search),
  };
}
