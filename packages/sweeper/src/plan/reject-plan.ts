import { recordAudit } from '@rollcall/shared/access/record';
import { AppError } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { currentTime, toTimestamp } from '@rollcall/shared/db/timestamp';
import { requireLease } from '../sweep/lease.ts';
import { requireWaiting } from './approve-plan.ts';
import { releaseForgotten } from './held-people.ts';
import { countPeopleWaiting, findPlan, type PlanHead } from './plan-head.ts';

/** A person's word that a plan must not be applied. */
export interface Rejection {
  /** A run's id, a digest, or the beginning of one. */
  readonly plan: string;
  readonly operator: string;
  readonly reason: string;
}

/**
 * Rejects a plan that waits: nothing of it can be applied any more, and whom it had
 * contained is released. Until it would have ended, a later plan of the same lines waits
 * quietly: nobody is contained for it, and nobody is told again.
 *
 * Throws `plan.not_found`, `plan.ambiguous`, `plan.not_waiting`, `plan.expired`,
 * `plan.approver_missing`, `plan.reason_missing`, `sweep.busy`, `sweep.lease_lost`.
 */
export async function rejectPlan(
  db: Database,
  { plan: name, operator, reason }: Rejection,
  clock: () => EpochMs = currentTime,
): Promise<{ readonly plan: PlanHead; readonly released: number }> {
  if (operator.trim() === '') {
    throw new AppError('plan.approver_missing', 'A rejection says who rejects.');
  }
  if (reason.trim() === '') throw new AppError('plan.reason_missing', 'A rejection says why.');
  const found = await findPlan(db, name);
  const lease = await requireLease(db, found.connectionId, `operator ${operator}`);
  try {
    const plan = await lease.write(async (tx) => {
      const now = clock();
      const waiting = await findPlan(tx, found.runId);
      requireWaiting(waiting, now);
      const people = await countPeopleWaiting(tx, waiting.runId);
      await tx
        .updateTable('plans')
        .set({
          state: 'rejected',
          rejected_by: operator,
          reject_reason: reason,
          rejected_at: toTimestamp(now),
        })
        .where('run_id', '=', waiting.runId)
        .execute();
      const { runId, digest, connectionId } = waiting;
      const entry = { userId: null, connectionId, reason, evidence: { runId, digest, people } };
      const actor = { kind: 'operator', name: operator } as const;
      await recordAudit(tx, { kind: 'plan.rejected', ...entry }, actor, now);
      return waiting;
    });
    return { plan, released: await releaseForgotten(lease, db, 'without_plan', clock) };
  } finally {
    await lease.release();
  }
}
