import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { showPlan } from '@rollcall/sweeper/plan/read';
import type { PlanTally, ShownPlan } from '../render/plan.ts';
import { findRun } from './sweep-run.ts';

/** Which lines of a plan to read. */
export interface PlanPage {
  readonly limit: number;
  /** Go on after this line; 0 begins. */
  readonly after: number;
  readonly now: EpochMs;
}

/** A plan with the listing that it rests on. Throws `plan.not_found`. */
export async function readShownPlan(
  db: Database,
  runId: RunId,
  page: PlanPage,
): Promise<ShownPlan> {
  const [plan, listing, tally] = await Promise.all([
    showPlan(db, runId, page),
    findRun(db, runId),
    tallyOf(db, runId),
  ]);
  if (listing === null) throw new RangeError('a plan without its run');
  return { plan, listing, tally };
}

async function tallyOf(db: Database, runId: RunId): Promise<PlanTally> {
  const rows = await db
    .selectFrom('plan_lines')
    .select(['decision', ({ fn }) => fn.countAll<string>().as('count')])
    .where('run_id', '=', runId)
    .groupBy('decision')
    .execute();
  const count = (decision: string): number =>
    Number(rows.find((row) => row.decision === decision)?.count ?? 0);
  return {
    deactivate: count('deactivate'),
    contain: count('contain'),
    release: count('release'),
    change_roles: count('change_roles'),
    suspect: count('suspect'),
    restore: count('restore'),
    refuse: count('refuse'),
  };
}
