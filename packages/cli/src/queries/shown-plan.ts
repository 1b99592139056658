import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { planThatWaitsInstead } from '@rollcall/sweeper/plan/earlier-plan';
import type { LineChoice } from '@rollcall/sweeper/plan/line-choice';
import { showPlan } from '@rollcall/sweeper/plan/read';
import type { PlanTally, ShownPlan } from '../render/plan.ts';
import { findRun } from './sweep-run.ts';

/** Which lines of a plan to read. */
export interface PlanPage {
  readonly limit: number;
  /** Go on after this line; 0 begins. */
  readonly after: number;
  readonly now: EpochMs;
  /** Only some of them; all where left out. */
  readonly choice?: LineChoice;
}

/** A plan with the listing that it rests on. Throws `plan.not_found`. */
export async function readShownPlan(
  db: Database,
  runId: RunId,
  page: PlanPage,
): Promise<ShownPlan> {
  const [plan, listing, tally, waitsIn] = await Promise.all([
    showPlan(db, runId, page),
    findRun(db, runId),
    tallyOf(db, runId),
    planThatWaitsInstead(db, runId),
  ]);
  if (listing === null) throw new RangeError('a plan without its run');
  const chosen = page.choice !== undefined && Object.keys(page.choice).length > 0;
  return { plan, listing, tally, waitsIn, chosen };
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
