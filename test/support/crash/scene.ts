import { overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog } from '@rollcall/shared/telemetry/log';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import type pg from 'pg';
import { names, sweepOver } from '../../integration/sweeper/house.ts';
import { SimulatedDirectory } from '../../integration/sweeper/simulator.ts';

/** What a worker is at when it is killed. */
export const WORK = ['sweep', 'apply', 'undo'] as const;
export type Work = (typeof WORK)[number];

export const PEOPLE = names('p', 24);
/** Disabled in the directory, so that they are out at once. */
export const DISABLED = ['p001', 'p006'];
/** Given another group. */
export const PROMOTED = ['p002', 'p003', 'p007'];
/** Gone, and found to be gone once before. */
export const GONE = 'p004';
/** Gone, for the first time. */
export const LEAVING = 'p005';

/** The directory before anything happens, and after. */
export function directoryOf(when: 'before' | 'noticed' | 'after'): SimulatedDirectory {
  const directory = new SimulatedDirectory();
  directory.pageSize = 7;
  for (const name of PEOPLE) directory.employ(name);
  if (when !== 'before') directory.dismiss(GONE);
  if (when !== 'after') return directory;
  for (const name of DISABLED) directory.set(name, { standing: 'disabled' });
  for (const name of PROMOTED) directory.set(name, { groups: ['analysts', 'editors'] });
  directory.dismiss(LEAVING);
  return directory;
}

/** The sweep of acme as every process of the scene is configured. */
export function sweepOf(when: 'before' | 'noticed' | 'after', work: Work): ConnectionSweep {
  const base = sweepOver(directoryOf(when));
  const mode = work === 'apply' ? 'approve' : 'auto';
  return { ...base, mode, policy: { ...base.policy, confirmAfterMs: 1 } };
}

/** Does the work, as a worker or an operator would. Called again after a crash, it goes on. */
export async function doWork(work: Work, pool: pg.Pool): Promise<void> {
  const db = overPool(pool);
  const sweep = sweepOf('after', work);
  const operator = { operator: 'oda', clock: currentTime };
  if (work === 'sweep') {
    await runSweep(sweep, 'schedule', { db, log: createLog('silent'), clock: currentTime });
    return;
  }
  const plan = await latestPlan(pool);
  if (work === 'apply') await applyPlan({ db, sweep, plan, ...operator });
  else {
    const { privilegedRoles } = sweep;
    await undoPlan({ db, plan, ...operator, reason: 'a drill', privilegedRoles });
  }
}

async function latestPlan(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ run_id: string }>(
    `select run_id from plans join plan_lines using (run_id)
      where change ->> 'kind' = 'deactivate' order by created_at desc limit 1`,
  );
  const id = rows[0]?.run_id;
  if (id === undefined) throw new Error('there is no plan');
  return id;
}
