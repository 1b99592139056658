import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { SweepState } from '@rollcall/shared/db/tables';
import { type ApplyTally, applyLines } from '../plan/apply-lines.ts';
import { releasedIn, releaseForgotten } from '../plan/held-people.ts';
import { isApproved, type PlanHead, planOfRun } from '../plan/plan-head.ts';
import { type SettledPlan, settlePlan } from '../plan/settle-plan.ts';
import { type MadePlan, makePlan } from './make-plan.ts';
import { confirmationTime, type Run } from './run.ts';
import { endRun } from './runs.ts';
import type { PlanOnlyReason, SweepSummary } from './summary.ts';

/**
 * What follows from a complete snapshot: look-ups, decisions, the plan, and what of it
 * may be applied without approval.
 */
export async function carryOut(
  run: Run,
  snapshot: CompleteSnapshot,
  planOnlyBecause: PlanOnlyReason | null,
): Promise<Partial<SweepSummary>> {
  const { lease } = run;
  const made = await makePlan(run, snapshot);
  const confirmAt = confirmationTime(run);
  const settled = await settle(run, made, planOnlyBecause);
  await run.checkpoint.advance('planned');
  const tally = await applyWhatMay(run, settled, planOnlyBecause);
  const state = tally.state;
  const waitingPlan = settled.waitsIn ?? (await planOfRun(run.db, run.runId));
  const waiting = state === 'applied' ? 0 : settled.waiting;
  const end = { state, code: `sweep.${state}`, counts: made.counts };
  await lease.write((tx) => endRun(tx, run.runId, end, run.clock()));
  await releaseAfter(run, planOnlyBecause);
  return {
    ...end,
    ...tally,
    waiting,
    waitingPlan: waiting === 0 || waitingPlan === null ? null : nameOf(waitingPlan),
    heldWhy: settled.brake.kind === 'held' ? settled.brake.why : [],
    planOnlyBecause,
    confirmAt: made.unconfirmed ? confirmAt : null,
  };
}

/** Where somebody only wants to look, nothing is given back either. */
async function releaseAfter(run: Run, because: PlanOnlyReason | null): Promise<void> {
  if (because === 'operator_asked') return;
  await releaseForgotten(run.lease, run.db, releasedIn(run.sweep.mode), run.clock);
}

async function settle(
  run: Run,
  made: MadePlan,
  planOnlyBecause: PlanOnlyReason | null,
): Promise<SettledPlan> {
  const { sweep, lease, runId } = run;
  const { connectionId, configuration, mode, limits } = sweep;
  const { digest, brake, counts, people, withAccess } = made;
  const head = { runId, connectionId, digest, configuration, mode, planOnlyBecause };
  const plan = { ...head, brake, people, withAccess, limits };
  return lease.write(async (tx) => {
    const settled = await settlePlan(tx, plan, run.clock());
    // In one transaction with the plan: a crash leaves both or none.
    const state = settled.state === 'applying' ? 'applying' : runState(settled);
    await endRun(tx, runId, { state, code: `sweep.${state}`, counts }, run.clock());
    return settled;
  });
}

type Tally = Omit<ApplyTally, 'state'> & { readonly state: SweepState };

/** The run's own lines; and in mode `auto` those of an earlier plan that somebody has approved. */
async function applyWhatMay(
  run: Run,
  settled: SettledPlan,
  planOnlyBecause: PlanOnlyReason | null,
): Promise<Tally> {
  let tally: Tally = { applied: 0, skipped: 0, sessionsEnded: 0, state: runState(settled) };
  const own = settled.state === 'applying' ? await planOfRun(run.db, run.runId) : null;
  if (own !== null) tally = add(tally, await applyLines(own, run.sweep, run));
  const earlier = settled.waitsIn;
  if (earlier === null) return tally;
  const mayGo = run.sweep.mode === 'auto' && planOnlyBecause === null;
  if (!mayGo || !(await isApproved(run.db, earlier.digest))) {
    return { ...tally, state: waitingState(earlier) };
  }
  return add(tally, await applyLines(earlier, run.sweep, run));
}

function add(before: Tally, more: ApplyTally): Tally {
  return {
    applied: before.applied + more.applied,
    skipped: before.skipped + more.skipped,
    sessionsEnded: before.sessionsEnded + more.sessionsEnded,
    state: more.state === 'held' ? 'held' : more.state === 'applied' ? 'applied' : 'planned',
  };
}

/** Where the run stands while nothing is being applied. */
function runState(settled: SettledPlan): SweepState {
  if (settled.waitsIn !== null) return waitingState(settled.waitsIn);
  if (settled.waiting === 0) return 'applied';
  return settled.state === 'held' ? 'held' : 'planned';
}

function waitingState(plan: PlanHead): SweepState {
  return plan.state === 'held' ? 'held' : 'planned';
}

function nameOf(plan: PlanHead): { runId: PlanHead['runId']; digest: string } {
  return { runId: plan.runId, digest: plan.digest };
}
