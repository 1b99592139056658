import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { protectSubjects } from '@rollcall/shared/access/protection';
import { codeOf } from '@rollcall/shared/core/errors';
import { toRunId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import type { SweepTrigger } from '@rollcall/shared/db/tables';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';
import { applyLines } from '../plan/apply-lines.ts';
import { isApproved, type PlanHead, unfinishedPlans } from '../plan/plan-head.ts';
import { requireIntact } from '../plan/verify-digest.ts';
import { waitsAfterUndo } from './after-undo.ts';
import { carryOut } from './carry-out.ts';
import { isOfThisVersion, keepCheckpoint } from './checkpoint.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import { type Failure, failureOf } from './failure.ts';
import { type Lease, leaseHolder, takeLease } from './lease.ts';
import type { Run } from './run.ts';
import { endInterruptedRuns, endRun, startRun } from './runs.ts';
import { endTogether } from './side-by-side.ts';
import { deleteSnapshots } from './snapshot-rows.ts';
import { logSweep, type SweepResult, type SweepSummary, type SweepWaits } from './summary.ts';
import { takeOwnRecord, takeSnapshot } from './take-snapshot.ts';
import { noteRetryAfter, takeTurn } from './turn.ts';

/** What a sweep stands on. */
export interface SweepTools {
  readonly db: Database;
  readonly log: Log;
  readonly clock?: () => EpochMs;
  /** Aborted when the worker stops. */
  readonly signal?: AbortSignal;
  /** How long the lease outlives a worker that dies, in milliseconds. */
  readonly leaseMs?: number;
  /** Only plan, whatever the mode: an operator wants to look first. */
  readonly planOnly?: boolean;
}

/**
 * Sweeps one connection: finishes what an earlier worker left half applied, lists the
 * directory, judges the listing, looks up who is missing, decides, brakes, stores the
 * plan, and applies what needs no approval. Whatever goes wrong on the way takes
 * nothing from anybody; the summary says what it was.
 *
 * One worker at a time: `busy` where another is at it. A run whose lease is lost
 * throws `sweep.lease_lost`, for it can write nothing, its own failure included.
 */
export async function runSweep(
  sweep: ConnectionSweep,
  trigger: SweepTrigger,
  tools: SweepTools,
): Promise<SweepResult> {
  const { db, leaseMs } = tools;
  const place = sweep.place?.key ?? null;
  const lease = await takeLease(db, sweep.connectionId, HOLDER, leaseMs, place);
  return lease === null ? sayBusy(sweep, tools) : runAndRelease(sweep, trigger, tools, lease);
}

/**
 * As {@link runSweep}, where it is the connection's turn at its directory: `waits` while
 * enough others ask it, in whatever process, or it has asked to be left alone.
 */
export async function runSweepInTurn(
  sweep: ConnectionSweep,
  trigger: SweepTrigger,
  tools: SweepTools,
): Promise<SweepResult | SweepWaits> {
  const turn = await takeTurn(tools.db, sweep, HOLDER, tools.leaseMs);
  switch (turn.kind) {
    case 'taken':
      return runAndRelease(sweep, trigger, tools, turn.lease);
    case 'busy':
      return sayBusy(sweep, tools);
    case 'waits':
      logSweep(tools.log, turn);
      return turn;
    default:
      return turn satisfies never;
  }
}

const HOLDER = `${hostname()} ${process.pid}`;

async function sayBusy({ connectionId }: ConnectionSweep, tools: SweepTools): Promise<SweepResult> {
  const holder = await leaseHolder(tools.db, connectionId);
  const busy = { kind: 'busy', connectionId, holder } as const;
  logSweep(tools.log, busy);
  return busy;
}

async function runAndRelease(
  sweep: ConnectionSweep,
  trigger: SweepTrigger,
  tools: SweepTools,
  lease: Lease,
): Promise<SweepResult> {
  try {
    const result = await runUnderLease(sweep, trigger, tools, lease);
    logSweep(tools.log, result);
    return result;
  } finally {
    await lease.release();
  }
}

async function runUnderLease(
  sweep: ConnectionSweep,
  trigger: SweepTrigger,
  tools: SweepTools,
  lease: Lease,
): Promise<SweepSummary> {
  const { db, log } = tools;
  const clock = tools.clock ?? currentTime;
  const signal = AbortSignal.any([lease.lost, ...(tools.signal ? [tools.signal] : [])]);
  await endInterruptedRuns(lease, clock());
  const runId = toRunId(randomUUID());
  const planOnly = tools.planOnly ?? false;
  const checkpoint = keepCheckpoint(lease, runId, clock);
  const startedAt = clock();
  const run = { db, clock, planOnly, sweep, lease, signal, runId, startedAt, checkpoint };
  const { connectionId, configuration } = sweep;
  await startRun(lease, { runId, trigger, configuration, startedAt });
  const { protectedSubjects } = sweep.policy;
  await lease.write((tx) => protectSubjects(tx, sweep.connectionId, protectedSubjects));
  const head = { runId, connectionId, trigger };
  let finishedEarlier = 0;
  try {
    finishedEarlier = await finishPlans(run, log);
    return { ...NOTHING, ...head, finishedEarlier, ...(await listAndDecide(run)) };
  } catch (error) {
    const failure = failureOf(error, lease.lost.aborted);
    if (failure.state === 'failed') {
      log.error({ event: 'sweep.error', connection: connectionId, err: error });
    }
    await noteRetryAfter(db, sweep.place ?? null, failure.retryAfterMs ?? null);
    return { ...NOTHING, ...head, finishedEarlier, ...(await endInFailure(run, failure)) };
  }
}

/** So long the evidence of a plan that was broken off may be acted on, in milliseconds. */
const FRESH_MS = 10 * 60_000;

/**
 * A plan that was being applied when its worker went away is finished before anything
 * new, while its evidence is fresh, its worker wrote it in the form that this one reads,
 * and whoever let it begin would let it begin now.
 * Otherwise, or where it is not what it was when it was made, its open lines are
 * decided about anew, from a new listing.
 */
async function finishPlans(run: Run, log: Log): Promise<number> {
  let lines = 0;
  for (const plan of await unfinishedPlans(run.db, run.sweep.connectionId)) {
    if (!(await mayBeFinished(run, plan))) {
      await run.lease.write((tx) => abandonPlan(tx, plan, 'sweep.interrupted', run.clock()));
      continue;
    }
    try {
      await requireIntact(run.db, plan);
    } catch (error) {
      if (codeOf(error) !== 'plan.altered') throw error;
      log.error({ event: 'plan.altered', connection: plan.connectionId, plan: plan.digest });
      await run.lease.write((tx) => abandonPlan(tx, plan, 'plan.altered', run.clock()));
      continue;
    }
    const tally = await applyLines(plan, run.sweep, run);
    lines += tally.applied + tally.skipped;
  }
  return lines;
}

async function mayBeFinished(run: Run, plan: PlanHead): Promise<boolean> {
  if (run.planOnly || run.clock() >= after(plan.createdAt, FRESH_MS)) return false;
  if (!(await isOfThisVersion(run.db, plan.runId))) return false;
  if (await waitsAfterUndo(run.db, run.sweep.connectionId)) return false;
  if (run.sweep.mode === 'auto') return true;
  return run.sweep.mode === 'approve' && isApproved(run.db, plan.digest);
}

async function abandonPlan(tx: Tx, plan: PlanHead, code: string, now: EpochMs): Promise<void> {
  await tx
    .updateTable('plans')
    .set({ state: 'superseded' })
    .where('run_id', '=', plan.runId)
    .execute();
  await endRun(tx, plan.runId, { state: 'failed', code }, now);
}

async function listAndDecide(run: Run): Promise<Partial<SweepSummary>> {
  const alone = run.sweep.policy.silence?.alone === true;
  const taken = alone ? await takeOwnRecord(run) : await takeSnapshot(run);
  const { snapshot } = taken;
  if (snapshot.kind === 'complete') {
    // What the older rows led to is in their plans. A million of them take their time.
    const [done] = await endTogether([
      carryOut(run, snapshot, taken.planOnlyBecause),
      deleteSnapshots(run.lease, { except: run.runId }),
    ]);
    return { ...done, rows: alone ? null : snapshot.rows };
  }
  const { reason, explanation, rows } = snapshot;
  const end = { state: 'incomplete', code: `listing.${reason}` } as const;
  await run.lease.write((tx) => endRun(tx, run.runId, end, run.clock()));
  await deleteSnapshots(run.lease, { only: run.runId });
  return { ...end, partialReason: reason, explanation, rows };
}

/** A run that has its plan keeps its state: the plan waits, or is finished by the next worker. */
async function endInFailure(run: Run, failure: Failure): Promise<Partial<SweepSummary>> {
  const state = await run.lease.write(async (tx) => {
    const row = await tx
      .selectFrom('sweep_runs')
      .select('state')
      .where('id', '=', run.runId)
      .executeTakeFirstOrThrow();
    if (row.state !== 'listing' && row.state !== 'deciding') return row.state;
    await endRun(tx, run.runId, failure, run.clock());
    await tx
      .updateTable('plans')
      .set({ state: 'superseded' })
      .where('run_id', '=', run.runId)
      .where('state', '=', 'drafting')
      .execute();
    return failure.state;
  });
  if (state === failure.state) await deleteSnapshots(run.lease, { only: run.runId });
  const { code, explanation, partialReason = null, retryAfterMs = null } = failure;
  return { state, code, explanation, partialReason, retryAfterMs };
}

const NOTHING = {
  kind: 'finished',
  state: 'failed',
  code: 'internal',
  explanation: null,
  rows: null,
  partialReason: null,
  counts: {},
  applied: 0,
  skipped: 0,
  sessionsEnded: 0,
  waiting: 0,
  waitingPlan: null,
  heldWhy: [],
  planOnlyBecause: null,
  confirmAt: null,
  retryAfterMs: null,
} as const satisfies Partial<SweepSummary>;
