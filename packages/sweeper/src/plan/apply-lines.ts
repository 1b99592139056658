import { recordAudit } from '@rollcall/shared/access/record';
import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import type { PlanState } from '@rollcall/shared/db/tables';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { keepCheckpoint } from '../sweep/checkpoint.ts';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import type { Lease } from '../sweep/lease.ts';
import { applyLine, whyVoid } from './apply-line.ts';
import { isApproved, type PlanHead } from './plan-head.ts';

/** What applying needs. */
export interface ApplyTools {
  readonly db: Database;
  readonly lease: Lease;
  readonly clock: () => EpochMs;
  /** Aborted when the worker stops: the plan is then finished by the next one. */
  readonly signal: AbortSignal;
}

/** How many lines of a plan were applied now. */
export interface ApplyTally {
  readonly applied: number;
  readonly skipped: number;
  readonly sessionsEnded: number;
  /** Where the plan stands afterwards. */
  readonly state: PlanState;
}

/** So many line numbers are read at a time. */
const PART = 500;

/**
 * Applies the lines of a plan that may be applied: each in its own transaction, with
 * its outcome, under the fence. Lines that wait are left alone unless the plan's digest
 * is approved. May be called again after a crash at any point: nothing is done twice.
 * Throws `sweep.lease_lost` and what the signal carries.
 */
export async function applyLines(
  plan: PlanHead,
  sweep: ConnectionSweep,
  tools: ApplyTools,
): Promise<ApplyTally> {
  const approved = await isApproved(tools.db, plan.digest);
  await tools.lease.write((tx) => setState(tx, plan.runId, 'applying', null));
  const tally = { applied: 0, skipped: 0, sessionsEnded: 0 };
  const checkpoint = keepCheckpoint(tools.lease, plan.runId, tools.clock);
  const of_lines = await countOpenLines(tools.db, plan.runId, approved);
  for (let cursor = 0; ; ) {
    const seqs = await readOpenLines(tools.db, plan.runId, cursor, approved);
    const last = seqs.at(-1);
    if (last === undefined) break;
    cursor = last;
    for (const seq of seqs) {
      tools.signal.throwIfAborted();
      const now = tools.clock();
      const done = await tools.lease.write((tx) => applyLine(tx, plan, seq, sweep, now));
      if (done === null) continue;
      tally[done.outcome] += 1;
      tally.sessionsEnded += done.sessionsEnded;
      await checkpoint.advance('applying', { lines: tally.applied + tally.skipped, of_lines });
    }
  }
  const now = tools.clock();
  const state = await tools.lease.write((tx) => finish(tx, plan, sweep, now));
  return { ...tally, state };
}

async function countOpenLines(db: Database, runId: RunId, approved: boolean): Promise<number> {
  let query = db
    .selectFrom('plan_lines')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('run_id', '=', runId)
    .where('outcome', 'is', null);
  if (!approved) query = query.where('waits', '=', false);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

async function readOpenLines(
  db: Database,
  runId: RunId,
  cursor: number,
  approved: boolean,
): Promise<readonly number[]> {
  let query = db
    .selectFrom('plan_lines')
    .select('seq')
    .where('run_id', '=', runId)
    .where('outcome', 'is', null)
    .where('seq', '>', cursor)
    .orderBy('seq')
    .limit(PART);
  if (!approved) query = query.where('waits', '=', false);
  return (await query.execute()).map((row) => row.seq);
}

/** The state after the last line, in one transaction with its audit: a crash before it leaves neither. */
async function finish(
  tx: Tx,
  plan: PlanHead,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<PlanState> {
  const counts = await tx
    .selectFrom('plan_lines')
    .select((select) => [
      select.fn.countAll<string>().filterWhere('outcome', '=', 'applied').as('applied'),
      select.fn.countAll<string>().filterWhere('outcome', '=', 'skipped').as('skipped'),
      select.fn.countAll<string>().filterWhere('outcome', 'is', null).as('open'),
    ])
    .where('run_id', '=', plan.runId)
    .executeTakeFirstOrThrow();
  const state = stateAfter(plan, sweep, Number(counts.open), now);
  await setState(tx, plan.runId, state, now);
  if (Number(counts.applied) === 0) return state;
  const evidence = {
    runId: plan.runId,
    digest: plan.digest,
    applied: Number(counts.applied),
    skipped: Number(counts.skipped),
    waiting: Number(counts.open),
  };
  const entry = { userId: null, connectionId: plan.connectionId, evidence };
  const actor = { kind: 'sweep', runId: plan.runId, digest: plan.digest } as const;
  await recordAudit(tx, { kind: 'plan.applied', ...entry }, actor, now);
  return state;
}

function stateAfter(plan: PlanHead, sweep: ConnectionSweep, open: number, now: EpochMs): PlanState {
  if (open === 0) return 'applied';
  switch (whyVoid(plan, sweep, now)) {
    case 'plan_expired':
      return 'expired';
    case 'configuration_changed':
      return 'superseded';
    case null:
      return plan.heldWhy.length > 0 ? 'held' : 'pending';
    default:
      throw new RangeError('a reason why a plan is void has no state');
  }
}

const RUN_STATE = { applying: 'applying', applied: 'applied', held: 'held' } as const;

/** The run follows its plan. */
async function setState(
  tx: Tx,
  runId: RunId,
  state: PlanState,
  now: EpochMs | null,
): Promise<void> {
  const runState = Object.hasOwn(RUN_STATE, state)
    ? RUN_STATE[state as keyof typeof RUN_STATE]
    : 'planned';
  await tx
    .updateTable('plans')
    .set({
      state,
      ...(state === 'applied' && now !== null ? { applied_at: toTimestamp(now) } : {}),
    })
    .where('run_id', '=', runId)
    .execute();
  await tx
    .updateTable('sweep_runs')
    .set({ state: runState, ...(now === null ? {} : { finished_at: toTimestamp(now) }) })
    .where('id', '=', runId)
    .execute();
}
