import { AppError } from '@rollcall/shared/core/errors';
import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { BrakeOutcome } from '../reconcile/brake.ts';
import { brakeOverAll, REMOVING } from '../reconcile/brake-over-all.ts';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { type Lease, requireLease } from '../sweep/lease.ts';
import { type ApplyTally, applyLines } from './apply-lines.ts';
import { approveWithin, requireWaiting } from './approve-plan.ts';
import { takeTurnOverAll } from './brake-facts.ts';
import {
  countByClass,
  countPeopleWaiting,
  findPlan,
  isApproved,
  type PlanHead,
} from './plan-head.ts';
import { requireIntact } from './verify-digest.ts';

/** Who applies a plan, and where. */
export interface ApplyRequest {
  readonly db: Database;
  /** The connection that the plan is of, as it is configured now. */
  readonly sweep: ConnectionSweep;
  /** A run's id, a digest, or the beginning of one. */
  readonly plan: string;
  readonly operator: string;
  readonly clock?: () => EpochMs;
  readonly signal?: AbortSignal;
}

/**
 * Applies a plan that waits. Where the brake does not hold it, applying it by hand is
 * its approval, and is recorded as one; a held plan has to be approved before.
 *
 * Throws `plan.not_found`, `plan.not_waiting`, `plan.expired`, `plan.not_approved`,
 * `plan.other_connection`, `plan.configuration_changed`, `plan.altered`,
 * `sweep.observe_only`, `sweep.busy`, `sweep.lease_lost`.
 */
export async function applyPlan(request: ApplyRequest): Promise<ApplyTally> {
  const { db, sweep, operator } = request;
  const clock = request.clock ?? currentTime;
  const found = await findPlan(db, request.plan);
  requireApplicable(found, sweep);
  const lease = await requireLease(db, sweep.connectionId, `operator ${operator}`);
  try {
    // Under the lease nobody supersedes it any more.
    const plan = await findPlan(db, found.runId);
    await requireIntact(db, plan);
    if (plan.state !== 'applying') {
      requireWaiting(plan, clock());
      await requireApproval(request, lease, plan, clock());
    }
    const signal = AbortSignal.any([lease.lost, ...(request.signal ? [request.signal] : [])]);
    return await applyLines(plan, sweep, { db, lease, clock, signal });
  } finally {
    await lease.release();
  }
}

function requireApplicable(plan: PlanHead, sweep: ConnectionSweep): void {
  if (plan.connectionId !== sweep.connectionId) {
    throw new AppError('plan.other_connection', `The plan is of ${plan.connectionId}.`, {
      detail: { expected: sweep.connectionId, received: plan.connectionId },
    });
  }
  if (sweep.mode === 'observe') {
    throw new AppError(
      'sweep.observe_only',
      `Connection ${sweep.connectionId} is only observed: set its sweep mode to approve or auto.`,
    );
  }
  if (plan.configuration !== sweep.configuration) {
    throw new AppError(
      'plan.configuration_changed',
      'The configuration has changed since the plan was made: sweep again.',
      { detail: { expected: plan.configuration, received: sweep.configuration } },
    );
  }
}

/** Throws `plan.not_approved`, also where the plan has to be held only now. */
async function requireApproval(request: ApplyRequest, lease: Lease, plan: PlanHead, now: EpochMs) {
  if (await isApproved(request.db, plan.digest)) return;
  if (plan.state === 'pending' && (await lease.write((tx) => begin(tx, request, plan, now)))) {
    return;
  }
  const held = await findPlan(request.db, plan.runId);
  const people = await countPeopleWaiting(request.db, plan.runId);
  const { digest, approvalsNeeded: needed } = held;
  const who = needed > 1 ? `${needed} people have to approve it first` : 'approve it first';
  throw new AppError(
    'plan.not_approved',
    `The brake holds this plan, which takes something from ${people} people: ${who}.`,
    { detail: { expected: `${needed} of ${digest}`, received: 'too few approvals', people } },
  );
}

/**
 * Lets a plan begin that nothing held when it was made: applying it is its approval. It may
 * have waited for a day, and the room over all connections may be used by now: then it is
 * held like any other. False where it is.
 */
async function begin(
  tx: Tx,
  { operator, sweep: { limits } }: ApplyRequest,
  plan: PlanHead,
  now: EpochMs,
): Promise<boolean> {
  const counts = await countByClass(tx, plan.runId);
  const population = { withAccess: plan.population };
  if (REMOVING.some((one) => counts[one] > 0)) {
    const overAll = await takeTurnOverAll(tx, now);
    const outcome = brakeOverAll({ kind: 'go' }, counts, overAll, limits, population);
    if (outcome.kind === 'held') {
      await holdPlan(tx, plan.runId, outcome);
      return false;
    }
  }
  const people = await countPeopleWaiting(tx, plan.runId);
  const approval = { digest: plan.digest, approver: operator, people, reason: 'applied by hand' };
  await approveWithin(tx, approval, now);
  // Its lines have their room from here on.
  await tx
    .updateTable('plans')
    .set({ state: 'applying' })
    .where('run_id', '=', plan.runId)
    .execute();
  return true;
}

async function holdPlan(
  tx: Tx,
  runId: RunId,
  outcome: Extract<BrakeOutcome, { kind: 'held' }>,
): Promise<void> {
  await tx
    .updateTable('plans')
    .set({
      state: 'held',
      held_why: JSON.stringify(outcome.why),
      approvals_needed: outcome.approvals,
    })
    .where('run_id', '=', runId)
    .execute();
}
