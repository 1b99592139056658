import { type RawBuilder, sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { type Database, inTransaction } from './database.ts';
import { fromTimestamp, isoOf, toTimestamp } from './timestamp.ts';

/** A request of a SCIM client, as the provisioning log has it: without any value it carried. */
export interface ScimRequestEntry {
  readonly at: EpochMs;
  /** Null: nobody knows whose it was. */
  readonly connectionId: ConnectionId | null;
  /** The name of the token. */
  readonly token: string | null;
  readonly method: string;
  /** Below the base address; ids that are none of ours are masked. */
  readonly path: string;
  /** What it was meant to do. A sentence. */
  readonly meaning: string;
  readonly targetKind: 'User' | 'Group' | null;
  /** A uuid. */
  readonly targetId: string | null;
  readonly status: number;
  readonly scimType: string | null;
  readonly code: string | null;
  readonly durationMs: number;
  readonly reference: string;
  /** How many before it of the same process are not in the log. */
  readonly dropped: number;
}

/** As it is listed. */
export interface ListedScimRequest extends ScimRequestEntry {
  readonly id: string;
}

/** Which requests are wanted. */
export interface ScimRequestFilter {
  readonly connectionId: ConnectionId | null;
  readonly since: EpochMs | null;
  /** From and to, both included: 400 and 499. */
  readonly status: readonly [number, number] | null;
  readonly targetId: string | null;
  readonly token: string | null;
  /** Only those before this one in the list. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * Appends requests, in one statement. Nothing waits for the disk: a crash of the database
 * may lose the last of them, and nothing else.
 */
export async function addScimRequests(
  db: Database,
  entries: readonly ScimRequestEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ at, ...entry }) => ({ at: isoOf(at), ...entry }));
  await inTransaction(db, async (tx) => {
    await sql`set local synchronous_commit = off`.execute(tx);
    await sql`
      insert into scim_requests (at, connection_id, token, method, path, meaning, target_kind,
                                 target_id, status, scim_type, code, duration_ms, reference, dropped)
      select at, "connectionId", token, method, path, meaning, "targetKind", "targetId", status,
             "scimType", code, "durationMs", reference, dropped
        from json_to_recordset(${JSON.stringify(rows)}::json) as added
             (at timestamptz, "connectionId" text, token text, method text, path text, meaning text,
              "targetKind" text, "targetId" uuid, status int, "scimType" text, code text,
              "durationMs" int, reference text, dropped int)`.execute(tx);
  });
}

/** The latest requests, the newest first. */
export async function listScimRequests(
  db: Database,
  filter: ScimRequestFilter,
): Promise<readonly ListedScimRequest[]> {
  const { rows } = await sql<Omit<ListedScimRequest, 'at'> & { readonly at: Date }>`
    select id, at, connection_id as "connectionId", token, method, path, meaning,
           target_kind as "targetKind", target_id as "targetId", status, scim_type as "scimType",
           code, duration_ms as "durationMs", reference, dropped
      from scim_requests where ${conditionOf(filter)}
     order by id desc limit ${filter.limit}`.execute(db);
  return rows.map((row) => ({ ...row, at: fromTimestamp(row.at) }));
}

function conditionOf(filter: ScimRequestFilter): RawBuilder<unknown> {
  const { connectionId, since, status, targetId, token, after } = filter;
  const conditions = [
    connectionId === null ? null : sql`connection_id = ${connectionId}`,
    since === null ? null : sql`at >= ${toTimestamp(since)}`,
    status === null ? null : sql`status between ${status[0]} and ${status[1]}`,
    targetId === null ? null : sql`target_id = ${targetId}::uuid`,
    token === null ? null : sql`token = ${token}`,
    after === null ? null : sql`id < ${after}::bigint`,
  ].flatMap((condition) => condition ?? []);
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

/** Deletes at most `limit` requests that are older; answers with how many. */
export async function pruneScimRequests(
  db: Database,
  before: EpochMs,
  limit: number,
): Promise<number> {
  // The lowest ids are the oldest but for some seconds, so nothing else has to be looked at.
  const result = await sql`
    delete from scim_requests where id in (
      select id from scim_requests
       where id in (select id from scim_requests order by id limit ${limit})
         and at < ${toTimestamp(before)}
         for update skip locked)`.execute(db);
  return Number(result.numAffectedRows ?? 0);
}
