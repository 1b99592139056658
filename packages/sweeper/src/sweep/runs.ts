import type { CompleteSnapshot, ListingProof, Snapshot } from '@rollcall/shared/core/evidence';
import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import type { SweepState, SweepTrigger } from '@rollcall/shared/db/tables';
import { fromNullableTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { waitsAfterUndo } from './after-undo.ts';
import { CHECKPOINT_VERSION } from './checkpoint.ts';
import type { ConnectionSweep, SweepMode } from './connection-sweep.ts';
import type { Lease } from './lease.ts';
import type { PlanOnlyReason } from './summary.ts';

/** Writes down that a run begins. */
export async function startRun(
  lease: Lease,
  run: {
    readonly runId: RunId;
    readonly trigger: SweepTrigger;
    readonly configuration: string;
    readonly startedAt: EpochMs;
  },
): Promise<void> {
  await lease.write((tx) =>
    tx
      .insertInto('sweep_runs')
      .values({
        id: run.runId,
        connection_id: lease.connectionId,
        trigger: run.trigger,
        state: 'listing',
        fence: lease.fence,
        started_at: toTimestamp(run.startedAt),
        configuration: run.configuration,
        checkpoint_version: CHECKPOINT_VERSION,
        step: 'listing',
        progress_at: toTimestamp(run.startedAt),
      })
      .execute(),
  );
}

/** Writes down what the listing was found to be. */
export async function recordSnapshot(
  tx: Tx,
  snapshot: Snapshot,
  proof: ListingProof,
  planOnlyBecause: PlanOnlyReason | null,
): Promise<void> {
  const complete = snapshot.kind === 'complete';
  await tx
    .updateTable('sweep_runs')
    .set({
      state: complete ? 'deciding' : 'incomplete',
      snapshot_kind: snapshot.kind,
      partial_reason: complete ? null : snapshot.reason,
      explanation: complete ? null : snapshot.explanation,
      rows: proof.rows,
      distinct_ids: proof.distinctIds,
      pages: proof.pages,
      announced_total: proof.announcedTotal,
      digest: complete ? snapshot.digest : null,
      directory_fingerprint: proof.fingerprintAfter,
      as_of: proof.asOf === null ? null : toTimestamp(proof.asOf),
      plan_only_because: planOnlyBecause,
    })
    .where('id', '=', snapshot.runId)
    .execute();
}

/** Writes down that a run rests on our own record. Its rows stay empty: nothing was listed. */
export async function recordOwnRecord(
  tx: Tx,
  { runId, digest }: CompleteSnapshot,
  planOnlyBecause: PlanOnlyReason | null,
): Promise<void> {
  await tx
    .updateTable('sweep_runs')
    .set({
      state: 'deciding',
      snapshot_kind: 'complete',
      digest,
      directory_fingerprint: digest,
      plan_only_because: planOnlyBecause,
    })
    .where('id', '=', runId)
    .execute();
}

/** How a run ends. */
export interface RunEnd {
  readonly state: SweepState;
  readonly code: string;
  readonly explanation?: string;
  readonly partialReason?: string;
  readonly counts?: Readonly<Record<string, number>>;
}

/** Writes down how a run ended. */
export async function endRun(tx: Tx, runId: RunId, end: RunEnd, now: EpochMs): Promise<void> {
  await tx
    .updateTable('sweep_runs')
    .set({
      state: end.state,
      code: end.code,
      finished_at: toTimestamp(now),
      ...(end.explanation === undefined ? {} : { explanation: end.explanation }),
      ...(end.partialReason === undefined ? {} : { partial_reason: end.partialReason }),
      ...(end.counts === undefined ? {} : { counts: JSON.stringify(end.counts) }),
    })
    .where('id', '=', runId)
    .execute();
}

/**
 * Marks the runs whose worker went away before it had a plan. Whoever holds the lease
 * may: nobody else is at work. A plan that was being applied is not theirs to end.
 */
export async function endInterruptedRuns(lease: Lease, now: EpochMs): Promise<void> {
  await lease.write(async (tx) => {
    const ended = await tx
      .updateTable('sweep_runs')
      .set({
        state: 'failed',
        partial_reason: 'interrupted',
        code: 'sweep.interrupted',
        explanation: 'expected the worker to finish this run, received nothing more from it',
        finished_at: toTimestamp(now),
      })
      .where('connection_id', '=', lease.connectionId)
      .where('state', 'in', ['listing', 'deciding'])
      .returning('id')
      .execute();
    if (ended.length === 0) return;
    await tx
      .updateTable('plans')
      .set({ state: 'superseded' })
      .where(
        'run_id',
        'in',
        ended.map((run) => run.id),
      )
      .where('state', '=', 'drafting')
      .execute();
  });
}

/**
 * How many rows the next listing is compared with: those of the last complete one, or of
 * one whose size a person accepted since, whatever its scope was: a token that has come
 * to see less must not begin a count of its own. Null: there is none.
 *
 * The last one is that of the highest fence, which no clock that was ahead once can falsify.
 */
export async function lastCompleteRows(
  db: Database,
  connectionId: ConnectionId,
): Promise<number | null> {
  const row = await db
    .selectFrom('sweep_runs')
    .select('rows')
    .where('connection_id', '=', connectionId)
    .where((where) =>
      where.or([
        where('snapshot_kind', '=', 'complete'),
        where('size_accepted_at', 'is not', null),
      ]),
    )
    .orderBy('fence', 'desc')
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.rows ?? null;
}

/** The latest date that a complete listing of the connection had of itself; null: none had one. */
export async function lastAsOf(db: Database, connectionId: ConnectionId): Promise<EpochMs | null> {
  const row = await db
    .selectFrom('sweep_runs')
    .select((select) => select.fn.max('as_of').as('as_of'))
    .where('connection_id', '=', connectionId)
    .where('snapshot_kind', '=', 'complete')
    .executeTakeFirst();
  return fromNullableTimestamp(row?.as_of ?? null);
}

/** Why this run may only plan, or null: the first of its kind is for people to look at. */
export async function whyPlanOnly(
  db: Database,
  sweep: ConnectionSweep,
  fingerprint: string,
): Promise<PlanOnlyReason | null> {
  const last = await db
    .selectFrom('sweep_runs')
    .select(['configuration', 'directory_fingerprint'])
    .where('connection_id', '=', sweep.connectionId)
    .where('snapshot_kind', '=', 'complete')
    // One that was broken off before its plan was stored has shown nobody anything.
    .where('state', 'in', ['planned', 'held', 'applying', 'applied'])
    .orderBy('fence', 'desc')
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return 'first_sweep';
  if (last.configuration !== sweep.configuration) return 'configuration_changed';
  if (last.directory_fingerprint !== fingerprint) return 'directory_changed';
  if (await waitsAfterUndo(db, sweep.connectionId)) return 'undone';
  return planOnlyByMode(sweep.mode);
}

function planOnlyByMode(mode: SweepMode): PlanOnlyReason | null {
  return mode === 'observe' ? 'mode_observe' : null;
}
