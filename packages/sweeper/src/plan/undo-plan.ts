import { recordAudit } from '@rollcall/shared/access/record';
import type { Actor } from '@rollcall/shared/core/actor';
import { AppError } from '@rollcall/shared/core/errors';
import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { currentTime, toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import { type Lease, requireLease } from '../sweep/lease.ts';
import { releaseForgotten } from './held-people.ts';
import { findPlan, type PlanHead } from './plan-head.ts';
import { type UndoTools, undoLines } from './undo-lines.ts';

/** Who takes a plan back, and why. */
export interface UndoRequest {
  readonly db: Database;
  /** A run's id, a digest, or the beginning of one. */
  readonly plan: string;
  readonly operator: string;
  readonly reason: string;
  /** The privileged roles of the configuration. */
  readonly privilegedRoles: ReadonlySet<string>;
  readonly clock?: () => EpochMs;
  readonly signal?: AbortSignal;
}

/** What became of the lines, over all attempts. */
export interface UndoTally {
  readonly undone: number;
  /** Something newer had happened, or the last holders of a privileged role would have lost it. */
  readonly skipped: number;
  /** Of people to whom the plan had given access back. */
  readonly sessionsEnded: number;
}

/**
 * Takes back every line of a plan that was applied: state and grants as they were, not
 * sessions. What has been changed since by anything newer is left alone, and the line
 * says so. After a crash the same call goes on where the last one ended. From the first
 * moment on, sweeps of the connection only plan, until a person has approved a plan or
 * one takes nothing from anybody: else the next one would do the same again.
 *
 * Throws `plan.not_found`, `plan.ambiguous`, `plan.nothing_to_undo`,
 * `plan.approver_missing`, `plan.reason_missing`, `sweep.busy`, `sweep.lease_lost`.
 */
export async function undoPlan(request: UndoRequest): Promise<UndoTally> {
  const { db, operator, reason } = request;
  const clock = request.clock ?? currentTime;
  requireWords(operator, reason);
  const plan = await findPlan(db, request.plan);
  const lease = await requireLease(db, plan.connectionId, `operator ${operator}`);
  try {
    const actor = { kind: 'undo', runId: plan.runId, name: operator } as const;
    await lease.write((tx) => begin(tx, plan, { operator, reason }, clock()));
    const signal = AbortSignal.any([lease.lost, ...(request.signal ? [request.signal] : [])]);
    const { privilegedRoles } = request;
    const tools: UndoTools = { lease, clock, signal, actor, reason, privilegedRoles };
    const sessionsEnded = await undoLines(plan, tools);
    const counts = await finish(lease, plan, actor, reason, clock);
    await releaseForgotten(lease, db, 'without_plan', clock);
    return { ...counts, sessionsEnded };
  } finally {
    await lease.release();
  }
}

function requireWords(operator: string, reason: string): void {
  if (operator.trim() === '') {
    throw new AppError('plan.approver_missing', 'An undo says who takes the plan back.');
  }
  if (reason.trim() === '') throw new AppError('plan.reason_missing', 'An undo says why.');
}

/** Under the lease nobody applies the plan any more; nor, from here on, will the next sweep. */
async function begin(
  tx: Tx,
  plan: PlanHead,
  { operator, reason }: { readonly operator: string; readonly reason: string },
  now: EpochMs,
): Promise<void> {
  const counts = await countLines(tx, plan.runId);
  if (counts.left === 0 && plan.state !== 'undoing') {
    throw new AppError('plan.nothing_to_undo', 'Nothing of this plan is left to take back.', {
      detail: { expected: 'lines that were applied', received: counts },
    });
  }
  await tx
    .updateTable('plans')
    .set({
      state: 'undoing',
      undo_begun_at: sql`coalesce(undo_begun_at, ${toTimestamp(now)})`,
      undo_by: operator,
      undo_reason: reason,
    })
    .where('run_id', '=', plan.runId)
    .execute();
}

async function finish(
  lease: Lease,
  plan: PlanHead,
  actor: Actor,
  reason: string,
  clock: () => EpochMs,
): Promise<{ undone: number; skipped: number }> {
  return lease.write(async (tx) => {
    const { undone, skipped } = await countLines(tx, plan.runId);
    await tx
      .updateTable('plans')
      .set({ state: 'undone' })
      .where('run_id', '=', plan.runId)
      .execute();
    const evidence = { runId: plan.runId, digest: plan.digest, undone, skipped };
    const entry = { userId: null, connectionId: plan.connectionId, reason, evidence };
    await recordAudit(tx, { kind: 'plan.undone', ...entry }, actor, clock());
    return { undone, skipped };
  });
}

async function countLines(
  tx: Tx,
  runId: RunId,
): Promise<{ left: number; undone: number; skipped: number }> {
  const row = await tx
    .selectFrom('plan_lines')
    .select(({ fn }) => [
      fn.countAll<string>().filterWhere('undo_outcome', 'is', null).as('left'),
      fn.countAll<string>().filterWhere('undo_outcome', '=', 'undone').as('undone'),
      fn.countAll<string>().filterWhere('undo_outcome', '=', 'skipped').as('skipped'),
    ])
    .where('run_id', '=', runId)
    .where('outcome', '=', 'applied')
    .executeTakeFirstOrThrow();
  return { left: Number(row.left), undone: Number(row.undone), skipped: Number(row.skipped) };
}
