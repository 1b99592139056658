import { AppError } from '@rollcall/shared/core/errors';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { ConnectionId, DirectoryId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { textArray } from '@rollcall/shared/db/array-literal';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { Lease } from './lease.ts';

/**
 * Makes sure that a snapshot still has all its rows: it is not logged, and a server that
 * dies and comes back has lost it, in the middle of a run even. Whoever looked there
 * afterwards would find nobody. Throws `sweep.snapshot_lost`.
 */
export async function requireSnapshot(
  db: Database | Tx,
  runId: RunId,
  rows: number,
): Promise<void> {
  const { count } = await db
    .selectFrom('snapshot_members')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow();
  if (Number(count) === rows) return;
  throw new AppError(
    'sweep.snapshot_lost',
    'The database has lost the listing of this run; the next sweep lists anew.',
    { detail: { expected: rows, received: Number(count) } },
  );
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
 * Whom a listing would answer for: people whose last look-up found nobody, or got no
 * answer, and those from whom a plan that waits would take access.
 */
export async function awaitedIds(
  db: Database,
  connectionId: ConnectionId,
  since: EpochMs,
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ directory_id: string }>`
    select u.directory_id from ${latestLookUps(since)} as latest
      join users u on u.id = latest.user_id and u.connection_id = ${connectionId}
     where latest.standing in ('absent', 'unknown') and u.directory_id is not null
    union
    select u.directory_id from ${awaitedByPlans(connectionId)} as waiting
      join users u on u.id = waiting.user_id where u.directory_id is not null`.execute(db);
  return new Set(rows.rows.map((row) => row.directory_id));
}

/**
 * Takes back the absence of people whom a later listing names, complete or not. The
 * first of two look-ups would otherwise still count after they had come back. And writes
 * down of whom a plan would take access from that they are present: it is applied to nobody
 * whom the directory has named as present since. A return is dated after the look-up that it answers, whose clock may have been ahead.
 *
 * @param named the rows of the people awaited ({@link awaitedIds}) whom the listing names.
 */
export async function recordReturns(
  tx: Tx,
  run: { readonly connectionId: ConnectionId; readonly runId: RunId },
  named: readonly DirectoryMember[],
  since: EpochMs,
  now: EpochMs,
): Promise<void> {
  if (named.length === 0) return;
  const rows = [...new Map(named.toReversed().map((member) => [member.id, member])).values()];
  const [ids, standings] = [rows.map(({ id }) => id), rows.map(({ standing }) => standing)];
  await sql`
    insert into look_ups (run_id, user_id, standing, canary, seen_in, at)
    select ${run.runId}, u.id, named.standing, 'present', 'listing',
           greatest(${toTimestamp(now)}::timestamptz, latest.at + interval '1 millisecond')
      from unnest(${textArray(ids)}::text[], ${textArray(standings)}::text[]) as named (id, standing)
      join users u on u.directory_id = named.id and u.connection_id = ${run.connectionId}
      left join ${latestLookUps(since)} as latest on latest.user_id = u.id
     where latest.standing in ('absent', 'unknown')
        or (named.standing = 'present' and u.id in (
              select user_id from ${awaitedByPlans(run.connectionId)} as waiting))`.execute(tx);
}

function awaitedByPlans(connectionId: ConnectionId) {
  return sql`(select line.user_id from plans plan join plan_lines line on line.run_id = plan.run_id
    where plan.connection_id = ${connectionId} and plan.state in ('pending', 'held')
      and line.decision in ('deactivate', 'contain') and line.outcome is null)`;
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
    await sql`delete from sweep_doubts where run_id in
      (select r.id from sweep_runs r where r.connection_id = ${lease.connectionId} and ${chosen})`.execute(
      tx,
    );
  });
}
