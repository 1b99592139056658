import { retireUsers } from '@rollcall/shared/access/retire';
import type { Config } from '@rollcall/shared/config/types';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { pruneScimRequests } from '@rollcall/shared/db/scim-requests';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';

/** How many of each were pruned, or became purge-eligible. */
export interface Pruned {
  readonly runs: number;
  readonly lookUps: number;
  readonly snapshots: number;
  readonly purgePlans: number;
  readonly retired: number;
  readonly scimRequests: number;
}

/** What one transaction takes: few enough that nobody waits for it. */
const PART = { runs: 20, lookUps: 5_000, snapshots: 5, retired: 500, scimRequests: 5_000 };

/**
 * Deletes what has been kept long enough, part by part, and makes purge-eligible who has
 * been out long enough. Rows that somebody else holds are left to the next time, so any
 * number of workers may prune at once, and no sweep waits. Never touches the audit trail.
 * Stops between two parts when the signal is aborted.
 */
export async function pruneAll(
  db: Database,
  retention: Config['retention'],
  now: EpochMs,
  signal: AbortSignal,
): Promise<Pruned> {
  const before = (ms: number): EpochMs => after(now, -ms);
  const whole = (size: number, prune: () => Promise<number>) => inParts(size, prune, signal);
  return {
    lookUps: await whole(PART.lookUps, () => pruneLookUps(db, before(retention.lookUpsMs))),
    snapshots: await whole(PART.snapshots, () => pruneSnapshots(db, before(retention.snapshotsMs))),
    runs: await whole(PART.runs, () => pruneRuns(db, before(retention.runsMs))),
    purgePlans: await prunePurgePlans(db, before(retention.runsMs)),
    retired: await whole(PART.retired, () => retire(db, before(retention.deactivatedMs), now)),
    scimRequests: await whole(PART.scimRequests, () =>
      pruneScimRequests(db, before(retention.scimRequestsMs), PART.scimRequests),
    ),
  };
}

async function inParts(
  size: number,
  prune: () => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  for (let all = 0; ; ) {
    if (signal.aborted) return all;
    const part = await prune();
    all += part;
    if (part < size) return all;
  }
}

async function pruneLookUps(db: Database, before: EpochMs): Promise<number> {
  const result = await sql`
    delete from look_ups where id in (
      select id from look_ups where at < ${toTimestamp(before)}
       order by at limit ${PART.lookUps} for update skip locked)`.execute(db);
  return Number(result.numAffectedRows ?? 0);
}

/**
 * The latest listing of a connection that is configured stays until a sweep replaces it.
 */
async function pruneSnapshots(db: Database, before: EpochMs): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await sql<{ id: string }>`
      select r.id from sweep_runs r
       where r.finished_at < ${toTimestamp(before)}
         and exists (select from snapshot_members m where m.run_id = r.id)
         and (exists (select from connections c
                       where c.id = r.connection_id and c.retired_at is not null)
              or exists (select from sweep_runs newer
                          where newer.connection_id = r.connection_id
                            and newer.snapshot_kind = 'complete' and newer.started_at > r.started_at))
       order by r.finished_at limit ${PART.snapshots} for update of r skip locked`.execute(tx);
    const ids = rows.map(({ id }) => id);
    await sql`delete from snapshot_members where run_id = any(${ids}::uuid[])`.execute(tx);
    await sql`delete from sweep_doubts where run_id = any(${ids}::uuid[])`.execute(tx);
    return ids.length;
  });
}

/**
 * A run goes with its look-ups, its plan, its lines and their approvals, all at once: half
 * a plan would have another digest. What stays, however old: the latest run of each
 * connection, the latest that was complete or whose size a person accepted (the next
 * listing is compared with it), every plan that waits, is being applied or taken back, and
 * one that was taken back until a person has approved a later one: sweeps act by it.
 */
async function pruneRuns(db: Database, before: EpochMs): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await sql<{ id: string }>`
      select r.id from sweep_runs r
       where r.started_at < ${toTimestamp(before)} and r.finished_at is not null
         and exists (select from sweep_runs newer
                      where newer.connection_id = r.connection_id
                        and newer.started_at > r.started_at
                        and newer.snapshot_kind = 'complete'
                        and newer.state in ('planned', 'held', 'applying', 'applied'))
         and not exists (select from plans p where p.run_id = r.id
                          and (p.state in ('drafting', 'pending', 'held', 'applying', 'undoing')
                              or (p.undo_begun_at is not null and not exists (
                                    select from plans later
                                     where later.connection_id = p.connection_id
                                       and later.approved_at > p.undo_begun_at))))
       order by r.started_at limit ${PART.runs} for update skip locked`.execute(tx);
    const ids = rows.map(({ id }) => id);
    for (const table of ['look_ups', 'plan_lines', 'plans']) {
      await sql`delete from ${sql.table(table)} where run_id = any(${ids}::uuid[])`.execute(tx);
    }
    await sql`delete from sweep_runs where id = any(${ids}::uuid[])`.execute(tx);
    return ids.length;
  });
}

async function prunePurgePlans(db: Database, before: EpochMs): Promise<number> {
  const result = await db
    .deleteFrom('purge_plans')
    .where('created_at', '<', toTimestamp(before))
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

function retire(db: Database, endedBy: EpochMs, now: EpochMs): Promise<number> {
  return inTransaction(db, (tx) =>
    retireUsers(tx, { endedBy, limit: PART.retired }, { kind: 'retention' }, now),
  );
}
