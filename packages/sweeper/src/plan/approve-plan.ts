import { recordAudit } from '@rollcall/shared/access/record';
import { AppError } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { approverKey, countApprovers } from '../reconcile/approvers.ts';
import { countPeopleWaiting, findPlan, openPlan, type PlanHead } from './plan-head.ts';

/** A person's word that a plan may be applied as it is. */
export interface Approval {
  /** Of exactly one plan. */
  readonly digest: string;
  readonly approver: string;
  /** The account of the operating system by which the approver speaks; left out where there is none. */
  readonly account?: string | null;
  /** How many people lose access or a role by it, as the plan shows: proof that it was read. */
  readonly people: number;
  readonly reason: string;
}

/** Where a plan stands after an approval. */
export interface Approved {
  readonly plan: PlanHead;
  /** How many people have approved it. */
  readonly given: number;
  /** How many have to, before it may be applied. */
  readonly needed: number;
}

/**
 * Approves a plan that waits. It covers this digest alone and ends with the plan;
 * a newer plan of the connection needs an approval of its own. Approving twice is once.
 * Where two people have to approve, the second one's word completes it: whoever is
 * answered that as many are given as needed may apply it.
 *
 * Throws `plan.not_found`, `plan.not_waiting`, `plan.expired`, `plan.people_differ`,
 * `plan.approver_missing`, `plan.reason_missing`.
 */
export async function approvePlan(
  db: Database,
  approval: Approval,
  now: EpochMs,
): Promise<Approved> {
  return inTransaction(db, (tx) => approveWithin(tx, approval, now));
}

/** As {@link approvePlan}, in the caller's transaction. */
export async function approveWithin(tx: Tx, approval: Approval, now: EpochMs): Promise<Approved> {
  requireWords(approval);
  const plan = await lockWaitingPlan(tx, approval.digest, now);
  const people = await countPeopleWaiting(tx, plan.runId);
  if (people !== approval.people) {
    throw new AppError(
      'plan.people_differ',
      `The plan takes something from ${people} people, not from ${approval.people}: show it, and name the number.`,
      { detail: { expected: people, received: approval.people } },
    );
  }
  const isNew = await insertApproval(tx, plan, approval, now);
  const given = await countGiven(tx, plan.digest);
  const needed = plan.approvalsNeeded;
  if (isNew) await tellAudit(tx, plan, { ...approval, given, needed }, now);
  if (given >= needed && plan.approvedAt === null) await complete(tx, plan, now);
  return { plan, given, needed };
}

function requireWords({ approver, reason }: Approval): void {
  if (approverKey(approver) === '') {
    throw new AppError('plan.approver_missing', 'An approval says who approves.');
  }
  if (reason.trim() === '') {
    throw new AppError('plan.reason_missing', 'An approval says why.');
  }
}

/** False where the same person has approved already. */
async function insertApproval(
  tx: Tx,
  plan: PlanHead,
  { approver, account, people, reason }: Approval,
  now: EpochMs,
): Promise<boolean> {
  const inserted = await tx
    .insertInto('plan_approvals')
    .values({
      digest: plan.digest,
      approver,
      approver_key: approverKey(approver),
      account: account ?? null,
      people,
      reason,
      at: toTimestamp(now),
    })
    .onConflict((conflict) => conflict.columns(['digest', 'approver_key']).doNothing())
    .executeTakeFirst();
  return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

async function countGiven(tx: Tx, digest: string): Promise<number> {
  const rows = await tx
    .selectFrom('plan_approvals')
    .select(['approver', 'account'])
    .where('digest', '=', digest)
    .execute();
  return countApprovers(rows.map(({ approver, account }) => ({ name: approver, account })));
}

async function tellAudit(
  tx: Tx,
  plan: PlanHead,
  approval: Approval & { readonly given: number; readonly needed: number },
  now: EpochMs,
): Promise<void> {
  const { approver, account, people, reason, given, needed } = approval;
  const { runId, digest, connectionId } = plan;
  const evidence = { runId, digest, people, account: account ?? null, given, needed };
  const actor = { kind: 'operator', name: approver } as const;
  const entry = { userId: null, connectionId, reason, evidence };
  await recordAudit(tx, { kind: 'plan.approved', ...entry }, actor, now);
}

async function complete(tx: Tx, plan: PlanHead, now: EpochMs): Promise<void> {
  await tx
    .updateTable('plans')
    .set({ approved_at: toTimestamp(now) })
    .where('run_id', '=', plan.runId)
    .execute();
}

/**
 * Locked, so that no sweep supersedes the plan while it is being approved, and of two who
 * approve at the same moment each sees the other or is seen.
 */
async function lockWaitingPlan(tx: Tx, digest: string, now: EpochMs): Promise<PlanHead> {
  const found = await findPlan(tx, digest);
  await tx
    .selectFrom('plans')
    .select('state')
    .where('run_id', '=', found.runId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const plan = await findPlan(tx, found.digest);
  const newer =
    plan.state === 'pending' || plan.state === 'held'
      ? null
      : await openPlan(tx, plan.connectionId);
  requireWaiting(plan, now, newer);
  return plan;
}

/**
 * Throws `plan.not_waiting` and `plan.expired`.
 *
 * @param newer the plan that waits in its place, where there is one.
 */
export function requireWaiting(plan: PlanHead, now: EpochMs, newer: PlanHead | null = null): void {
  if (plan.state === 'expired' || now >= plan.expiresAt) {
    throw new AppError(
      'plan.expired',
      `The plan has expired: make a new one with \`rollcall sweep plan ${plan.connectionId}\`.`,
      {
        detail: {
          expected: `before ${new Date(plan.expiresAt).toISOString()}`,
          received: new Date(now).toISOString(),
        },
      },
    );
  }
  if (plan.state === 'pending' || plan.state === 'held') return;
  const instead =
    newer === null
      ? ` A new one: \`rollcall sweep plan ${plan.connectionId}\`.`
      : ` Plan ${newer.digest.slice(0, 12)} waits in its place: \`rollcall sweep show ${newer.digest.slice(0, 12)}\`.`;
  throw new AppError(
    'plan.not_waiting',
    `The plan is ${plan.state}: nothing of it waits.${instead}`,
    {
      detail: {
        expected: 'pending or held',
        received: plan.state,
        ...(newer === null ? {} : { newer: newer.digest }),
      },
    },
  );
}
