import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import type { PlanState } from '@rollcall/shared/db/tables';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { BrakeOutcome, PeopleCounts } from '../reconcile/brake.ts';
import type { BrakeLimits } from '../reconcile/brake-limits.ts';
import { brakeOverAll, REMOVING } from '../reconcile/brake-over-all.ts';
import type { SweepMode } from '../sweep/connection-sweep.ts';
import { takeTurnOverAll } from './brake-facts.ts';
import { markHeld } from './mark-held.ts';
import { openPlan, type PlanHead } from './plan-head.ts';

/** A plan whose lines are all written, and what decides about it. */
export interface PlanToSettle {
  readonly runId: RunId;
  readonly connectionId: ConnectionId;
  readonly digest: string;
  readonly configuration: string;
  readonly mode: SweepMode;
  /** Why nothing may be applied without approval; null where something may. */
  readonly planOnlyBecause: string | null;
  /** What the connection's own limits say. */
  readonly brake: BrakeOutcome;
  readonly people: PeopleCounts;
  readonly withAccess: number;
  readonly limits: BrakeLimits;
}

/** What became of a plan. */
export interface SettledPlan {
  /** `applying`: some lines may be applied now, whether or not others wait. */
  readonly state: PlanState;
  /** How many lines wait for approval, here or in the earlier plan. */
  readonly waiting: number;
  /** The earlier plan that says the same and goes on waiting; null where there is none. */
  readonly waitsIn: PlanHead | null;
  /** What all limits say, those over all connections included. */
  readonly brake: BrakeOutcome;
}

/**
 * Finishes a draft: asks for room over all connections, marks the lines that wait for approval, and either supersedes the
 * plan that waited before or, where exactly the same waits again, leaves it waiting,
 * so that its digest and its approvals stay good.
 */
export async function settlePlan(
  tx: Tx,
  drafted: PlanToSettle,
  now: EpochMs,
): Promise<SettledPlan> {
  const plan = { ...drafted, brake: await withOverAll(tx, drafted, now) };
  await markWaiting(tx, plan);
  await markRejected(tx, plan, now);
  const before = await openPlan(tx, plan.connectionId);
  await expirePlans(tx, plan.connectionId, now);
  const waiting = await countOpenLines(tx, plan.runId, true);
  const waitsIn = waiting === 0 ? null : await samePlanWaiting(tx, plan);
  if (waitsIn === null) await supersedePlans(tx, plan.connectionId);
  else await leaveToEarlier(tx, plan.runId, now);
  const ready = await countOpenLines(tx, plan.runId, false);
  const state = stateOf(ready, waitsIn === null ? waiting : 0, plan.brake);
  await tx
    .updateTable('plans')
    .set({
      digest: plan.digest,
      state,
      held_why: plan.brake.kind === 'held' ? JSON.stringify(plan.brake.why) : null,
      approvals_needed: approvalsNeeded(plan.brake),
      applied_at: state === 'applied' ? toTimestamp(now) : null,
    })
    .where('run_id', '=', plan.runId)
    .execute();
  const held = plan.brake.kind === 'held' && waiting > 0;
  if (held) await markHeld(tx, plan, waitsIn?.runId ?? plan.runId, before?.heldSince ?? now, now);
  return { state, waiting, waitsIn, brake: plan.brake };
}

/** Nobody waits for a turn who would remove nobody. */
async function withOverAll(tx: Tx, plan: PlanToSettle, now: EpochMs): Promise<BrakeOutcome> {
  const { brake, people, limits, withAccess } = plan;
  if (REMOVING.every((one) => people[one] === 0)) return brake;
  return brakeOverAll(brake, people, await takeTurnOverAll(tx, now), limits, { withAccess });
}

function approvalsNeeded(brake: BrakeOutcome): number {
  return brake.kind === 'held' ? brake.approvals : 1;
}

/** Plans that nobody approved in time are void. */
export async function expirePlans(tx: Tx, connectionId: ConnectionId, now: EpochMs): Promise<void> {
  await tx
    .updateTable('plans')
    .set({ state: 'expired' })
    .where('connection_id', '=', connectionId)
    .where('state', 'in', ['pending', 'held'])
    .where('expires_at', '<=', toTimestamp(now))
    .execute();
}

function stateOf(ready: number, waiting: number, brake: BrakeOutcome): PlanState {
  if (ready > 0) return 'applying';
  if (waiting === 0) return 'applied';
  return brake.kind === 'held' ? 'held' : 'pending';
}

/**
 * A plan-only run waits with everything. Mode `approve` waits with what changes
 * somebody's access; a suspicion changes none. Mode `auto` waits with the classes
 * that the brake holds.
 */
async function markWaiting(tx: Tx, plan: PlanToSettle): Promise<void> {
  const lines = tx
    .updateTable('plan_lines')
    .set({ waits: true })
    .where('run_id', '=', plan.runId)
    .where('outcome', 'is', null);
  if (plan.planOnlyBecause !== null || plan.mode === 'observe') {
    await lines.execute();
  } else if (plan.mode === 'approve') {
    await lines
      .where(sql<boolean>`decision <> 'suspect' and reason <> 'suspicion_cleared'`)
      .execute();
  } else if (plan.brake.kind === 'held') {
    const classes = [...plan.brake.heldClasses];
    if (classes.length > 0) await lines.where('brake_class', 'in', classes).execute();
    if (plan.brake.why.some((one) => one.rule === 'privileged_holders')) {
      await lines
        .where(
          sql<boolean>`brake_class is not null and jsonb_array_length(change -> 'privileged') > 0`,
        )
        .execute();
    }
  }
}

/**
 * What a person has said no to waits until the rejected plan would have ended, also where
 * fewer are left of it, or time has passed, and the brake would let it go.
 */
async function markRejected(tx: Tx, plan: PlanToSettle, now: EpochMs): Promise<void> {
  await sql`
    update plan_lines line set waits = true
     where line.run_id = ${plan.runId} and line.outcome is null and line.brake_class is not null
       and exists (
         select from plans p join sweep_runs run on run.id = p.run_id
           join plan_lines said on said.run_id = p.run_id
          where p.connection_id = ${plan.connectionId} and p.state = 'rejected'
            and p.expires_at > ${toTimestamp(now)} and run.configuration = ${plan.configuration}
            and said.waits and said.user_id = line.user_id
            and said.decision = line.decision and said.reason = line.reason)`.execute(tx);
}

async function countOpenLines(tx: Tx, runId: RunId, waits: boolean): Promise<number> {
  const row = await tx
    .selectFrom('plan_lines')
    .select((select) => select.fn.countAll().as('count'))
    .where('run_id', '=', runId)
    .where('waits', '=', waits)
    .where('outcome', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** The plan that waits with exactly the same lines under the same configuration, or null. */
async function samePlanWaiting(tx: Tx, plan: PlanToSettle): Promise<PlanHead | null> {
  const open = await openPlan(tx, plan.connectionId);
  if (open === null || open.configuration !== plan.configuration) return null;
  if (open.approvalsNeeded < approvalsNeeded(plan.brake)) return null;
  const linesOf = (runId: RunId) => sql`
    select l.user_id, coalesce(c.version_after, l.user_version), l.decision, l.reason, l.change
      from plan_lines l
      left join held_containments c on c.run_id = l.run_id and c.user_id = l.user_id
     where l.run_id = ${runId} and l.waits and l.outcome is null`;
  const [ours, theirs] = [linesOf(plan.runId), linesOf(open.runId)];
  const answer = await sql<{ same: boolean }>`
    select not exists (
      ((${ours}) except (${theirs})) union all ((${theirs}) except (${ours}))) as same`.execute(tx);
  return answer.rows[0]?.same === true ? open : null;
}

async function leaveToEarlier(tx: Tx, runId: RunId, now: EpochMs): Promise<void> {
  await tx
    .updateTable('plan_lines')
    .set({
      outcome: 'skipped',
      outcome_why: 'waits_in_earlier_plan',
      applied_at: toTimestamp(now),
    })
    .where('run_id', '=', runId)
    .where('waits', '=', true)
    .where('outcome', 'is', null)
    .execute();
}

/** What was held is not forgotten: the new plan has decided about the same people again. */
async function supersedePlans(tx: Tx, connectionId: ConnectionId): Promise<void> {
  await tx
    .updateTable('plans')
    .set({ state: 'superseded' })
    .where('connection_id', '=', connectionId)
    .where('state', 'in', ['pending', 'held'])
    .execute();
}
