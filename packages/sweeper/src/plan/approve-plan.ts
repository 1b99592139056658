import { recordAudit } from '@rollcall/shared/access/record';
import { AppError } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { countPeopleWaiting, findPlan, type PlanHead } from './plan-head.ts';

/** A person's word that a plan may be applied as it is. */
export interface Approval {
  /** Of exactly one plan. */
  readonly digest: string;
  readonly approver: string;
  /** How many people lose access or a role by it, as the plan shows: proof that it was read. */
  readonly people: number;
  readonly reason: string;
}

/**
 * Approves a plan that waits. It covers this digest alone and ends with the plan;
 * a newer plan of the connection needs an approval of its own. Approving twice is once.
 *
 * Throws `plan.not_found`, `plan.not_waiting`, `plan.expired`, `plan.people_differ`,
 * `plan.approver_missing`, `plan.reason_missing`.
 */
export async function approvePlan(
  db: Database,
  approval: Approval,
  now: EpochMs,
): Promise<PlanHead> {
  const { approver, reason } = approval;
  if (approver.trim() === '') {
    throw new AppError('plan.approver_missing', 'An approval says who approves.');
  }
  if (reason.trim() === '') {
    throw new AppError('plan.reason_missing', 'An approval says why.');
  }
  return inTransaction(db, async (tx) => {
    const plan = await lockWaitingPlan(tx, approval.digest, now);
    const people = await countPeopleWaiting(tx, plan.runId);
    if (people !== approval.people) {
      throw new AppError(
        'plan.people_differ',
        `The plan takes something from ${people} people, not from ${approval.people}: show it, and name the number.`,
        { detail: { expected: people, received: approval.people } },
      );
    }
    const inserted = await tx
      .insertInto('plan_approvals')
      .values({ digest: plan.digest, approver, people, reason, at: toTimestamp(now) })
      .onConflict((conflict) => conflict.columns(['digest', 'approver']).doNothing())
      .executeTakeFirst();
    if ((inserted.numInsertedOrUpdatedRows ?? 0n) > 0n) {
      const evidence = { runId: plan.runId, digest: plan.digest, people };
      const entry = { userId: null, connectionId: plan.connectionId, reason, evidence };
      const actor = { kind: 'operator', name: approver } as const;
      await recordAudit(tx, { kind: 'plan.approved', ...entry }, actor, now);
    }
    return plan;
  });
}

/** Locked, so that no sweep supersedes the plan while it is being approved. */
async function lockWaitingPlan(tx: Tx, digest: string, now: EpochMs): Promise<PlanHead> {
  const found = await findPlan(tx, digest);
  await tx
    .selectFrom('plans')
    .select('state')
    .where('run_id', '=', found.runId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const plan = await findPlan(tx, found.digest);
  requireWaiting(plan, now);
  return plan;
}

/** Throws `plan.not_waiting` and `plan.expired`. */
export function requireWaiting(plan: PlanHead, now: EpochMs): void {
  if (plan.state === 'expired' || now >= plan.expiresAt) {
    throw new AppError('plan.expired', 'The plan has expired: sweep again, and show the new one.', {
      detail: {
        expected: `before ${new Date(plan.expiresAt).toISOString()}`,
        received: new Date(now).toISOString(),
      },
    });
  }
  if (plan.state === 'pending' || plan.state === 'held') return;
  throw new AppError('plan.not_waiting', `The plan is ${plan.state}: nothing of it waits.`, {
    detail: { expected: 'pending or held', received: plan.state },
  });
}
