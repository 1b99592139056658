import { createHash } from 'node:crypto';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { ConnectionId, DirectoryId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { Lease } from './lease.ts';

/** So many rows are hashed at a time: memory stays flat. */
const CHUNK = 20_000;

/**
 * Writes rows of a listing; answers with how many were new. An id that the listing
 * has named before keeps its first row: a duplicate is counted, never merged.
 */
export async function insertMembers(
  tx: Tx,
  runId: RunId,
  members: readonly DirectoryMember[],
): Promise<number> {
  const rows = members.map((member) => ({
    directory_id: member.id,
    standing: member.standing,
    groups: member.groups === null ? null : [...member.groups].map(storable).sort(),
    label: member.label === null ? null : storable(member.label),
  }));
  const result = await sql`
    insert into snapshot_members (run_id, directory_id, standing, groups, label)
    select ${runId}, directory_id, standing, groups, label
      from json_to_recordset(${JSON.stringify(rows)}::json)
        as row (directory_id text, standing text, groups text[], label text)
    on conflict do nothing`.execute(tx);
  return Number(result.numAffectedRows ?? 0n);
}

/** Postgres stores neither NUL nor half a surrogate pair; a replaced name matches no rule. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** sha-256 over the sorted rows: over the hashes of each {@link CHUNK} of them, hexadecimal. */
export async function digestOfSnapshot(db: Database, runId: RunId): Promise<string> {
  const whole = createHash('sha256');
  let cursor = '';
  for (;;) {
    const answer = await sql<{ hash: string | null; last: string | null; count: string }>`
      select encode(sha256(convert_to(string_agg(line, E'\n' order by directory_id), 'UTF8')), 'hex') as hash,
             max(directory_id) as last, count(*) as count
        from (select directory_id,
                     json_build_array(directory_id, standing, groups, label)::text as line
                from snapshot_members
               where run_id = ${runId} and directory_id > ${cursor}
               order by directory_id limit ${CHUNK}) as chunk`.execute(db);
    const chunk = answer.rows[0];
    if (chunk === undefined || chunk.last === null) break;
    whole.update(`${chunk.hash}\n`);
    cursor = chunk.last;
    if (Number(chunk.count) < CHUNK) break;
  }
  return whole.digest('hex');
}

/** Up to `most` people whom the listing calls present: others in each run, the same within one. */
export async function pickCanaries(
  db: Database,
  runId: RunId,
  most: number,
): Promise<readonly DirectoryId[]> {
  const present = db
    .selectFrom('snapshot_members')
    .select('directory_id')
    .where('run_id', '=', runId)
    .where('standing', '=', 'present')
    .orderBy('directory_id')
    .limit(most);
  // The run's own id is as good a place to start as any.
  const start = runId.slice(0, 8) as DirectoryId;
  const there = await present.where('directory_id', '>=', start).execute();
  const before =
    there.length < most ? await present.where('directory_id', '<', start).execute() : [];
  return [...there, ...before].slice(0, most).map((row) => row.directory_id);
}

/**
 * Whose absence a listing would take back: people whose last look-up found nobody, or
 * got no answer.
 */
export async function awaitedIds(
  db: Database,
  connectionId: ConnectionId,
  since: EpochMs,
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ directory_id: string }>`
    select u.directory_id from ${latestLookUps(since)} as latest
      join users u on u.id = latest.user_id and u.connection_id = ${connectionId}
     where latest.standing in ('absent', 'unknown') and u.directory_id is not null`.execute(db);
  return new Set(rows.rows.map((row) => row.directory_id));
}

/**
 * Takes back the absence of people whom a later listing names, complete or not. The
 * first of two look-ups would otherwise still count after they had come back. A return
 * is dated after the look-up that it answers, whose clock may have been ahead.
 */
export async function recordReturns(
  tx: Tx,
  connectionId: ConnectionId,
  runId: RunId,
  since: EpochMs,
  now: EpochMs,
): Promise<void> {
  await sql`
    insert into look_ups (run_id, user_id, standing, canary, seen_in, at)
    select ${runId}, u.id, m.standing, 'present', 'listing',
           greatest(${toTimestamp(now)}::timestamptz, latest.at + interval '1 millisecond')
      from ${latestLookUps(since)} as latest
      join users u on u.id = latest.user_id and u.connection_id = ${connectionId}
      join snapshot_members m on m.run_id = ${runId} and m.directory_id = u.directory_id
     where latest.standing in ('absent', 'unknown')`.execute(tx);
}

function latestLookUps(since: EpochMs) {
  return sql`(select distinct on (user_id) user_id, standing, at from look_ups
    where at >= ${toTimestamp(since)} order by user_id, at desc, id desc)`;
}

/** Whose rows to delete. */
export type SnapshotChoice = { readonly only: RunId } | { readonly except: RunId };

/** Deletes the rows of the connection's snapshots. */
export async function deleteSnapshots(lease: Lease, which: SnapshotChoice): Promise<void> {
  const chosen = 'only' in which ? sql`r.id = ${which.only}` : sql`r.id <> ${which.except}`;
  await lease.write(async (tx) => {
    // From one run to the next through the index: there are few, each with many rows.
    const kept = await sql<{ run_id: RunId }>`
      with recursive kept (run_id) as (
        (select run_id from snapshot_members order by run_id limit 1)
        union all
        select (select m.run_id from snapshot_members m where m.run_id > kept.run_id
                 order by m.run_id limit 1)
          from kept where kept.run_id is not null)
      select kept.run_id from kept join sweep_runs r on r.id = kept.run_id
       where r.connection_id = ${lease.connectionId} and ${chosen}`.execute(tx);
    for (const { run_id } of kept.rows) {
      await tx.deleteFrom('snapshot_members').where('run_id', '=', run_id).execute();
    }
  });
}
