import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { raise } from '@rollcall/shared/notify/raise';
import { sql } from 'kysely';
import { countPeopleWaiting, planOfRun } from './plan-head.ts';
import type { PlanToSettle } from './settle-plan.ts';

/**
 * What follows from a plan being held: since when it is, from when on its people are
 * contained, and that somebody is told, once for each plan. Nothing of it where an operator
 * only wanted to look, where nothing may be applied anyway, and where a person has rejected
 * the same not long ago.
 *
 * @param waiting the run whose plan waits: this one, or an earlier one that says the same.
 * @param since when the connection's plans were first held, where they still were until now.
 */
export async function markHeld(
  tx: Tx,
  plan: PlanToSettle,
  waiting: RunId,
  since: EpochMs,
  now: EpochMs,
): Promise<void> {
  const { mode, planOnlyBecause, connectionId } = plan;
  if (mode === 'observe' || planOnlyBecause === 'operator_asked') return;
  if (await isRejected(tx, plan, waiting, now)) return;
  const contains = mode === 'auto' && planOnlyBecause === null;
  await tx
    .updateTable('plans')
    .set({
      held_since: sql`coalesce(held_since, ${toTimestamp(since)})`,
      ...(contains ? { contains_from: sql`coalesce(contains_from, ${toTimestamp(now)})` } : {}),
    })
    .where('run_id', '=', waiting)
    .execute();
  const head = await planOfRun(tx, waiting);
  if (head === null) throw new RangeError('a plan that waits and is not there');
  const facts = {
    run: head.runId,
    plan: head.digest,
    waiting: await countPeopleWaiting(tx, waiting),
    of: head.population,
    why: head.heldWhy.map((why) => why.explanation),
    expires_at: new Date(head.expiresAt).toISOString(),
  };
  await raise(tx, { event: 'sweep.held', connectionId, about: head.digest, facts }, now);
}

/** Whether somebody has said no to all of these lines, and that plan would not have ended yet. */
async function isRejected(
  tx: Tx,
  { connectionId, configuration }: PlanToSettle,
  waiting: RunId,
  now: EpochMs,
): Promise<boolean> {
  const answer = await sql<{ rejected: boolean }>`
    select exists (
      select from plans rejected join sweep_runs run on run.id = rejected.run_id
       where rejected.connection_id = ${connectionId} and rejected.state = 'rejected'
         and rejected.expires_at > ${toTimestamp(now)} and run.configuration = ${configuration}
         and not exists (
           select from plan_lines l
            where l.run_id = ${waiting} and l.waits and l.outcome is null
              and not exists (
                select from plan_lines r
                 where r.run_id = rejected.run_id and r.waits and r.user_id = l.user_id
                   and r.decision = l.decision and r.reason = l.reason))) as rejected`.execute(tx);
  return answer.rows[0]?.rejected === true;
}
