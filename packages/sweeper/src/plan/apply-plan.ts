import { AppError } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { requireLease } from '../sweep/lease.ts';
import { type ApplyTally, applyLines } from './apply-lines.ts';
import { approvePlan, requireWaiting } from './approve-plan.ts';
import { countPeopleWaiting, findPlan, isApproved, type PlanHead } from './plan-head.ts';
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
    if (plan.state !== 'applying') {
      requireWaiting(plan, clock());
      await requireApproval(db, plan, operator, clock());
    }
    await requireIntact(db, plan);
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

async function requireApproval(
  db: Database,
  plan: PlanHead,
  operator: string,
  now: EpochMs,
): Promise<void> {
  if (await isApproved(db, plan.digest)) return;
  const people = await countPeopleWaiting(db, plan.runId);
  if (plan.state === 'held') {
    const { digest, approvalsNeeded: needed } = plan;
    const who = needed > 1 ? `${needed} people have to approve it first` : 'approve it first';
    throw new AppError(
      'plan.not_approved',
      `The brake holds this plan, which takes something from ${people} people: ${who}.`,
      { detail: { expected: `${needed} of ${digest}`, received: 'too few approvals', people } },
    );
  }
  const { digest } = plan;
  await approvePlan(db, { digest, approver: operator, people, reason: 'applied by hand' }, now);
}
