import { hostname } from 'node:os';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { currentTime, toTimestamp } from '@rollcall/shared/db/timestamp';
import { raise } from '@rollcall/shared/notify/raise';
import {
  containHeld,
  forgottenPeople,
  linesToContain,
  releasedIn,
  releaseForgotten,
} from '../plan/held-people.ts';
import { countPeopleWaiting, openPlan, type PlanHead } from '../plan/plan-head.ts';
import { dueSteps, WAVE_MS } from '../reconcile/held-people.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import { takeLease } from './lease.ts';
import type { SweepTools } from './run-sweep.ts';

/** What was done for a held plan. */
export interface Tended {
  readonly contained: number;
  readonly released: number;
  /** The steps of the escalation that were told now, in milliseconds since the hold began. */
  readonly escalated: readonly number[];
  /** When there may be something to do again; null where nothing is held any more. */
  readonly nextAt: EpochMs | null;
}

/** How soon it is tried again while a sweep has the lease, in milliseconds. */
const BUSY_MS = 5_000;
const HOUR_MS = 60 * 60_000;
const NOTHING = { contained: 0, released: 0, escalated: [] } as const;

/**
 * Looks after the held plan of a connection: contains its people in slow waves, tells
 * whoever has to decide again, and releases whom a plan that has ended had contained. Does
 * as much as is due now. It holds the lease of the connection meanwhile, like a sweep, and
 * takes it only where something is due. Throws `sweep.lease_lost`.
 */
export async function tendHeld(sweep: ConnectionSweep, tools: SweepTools): Promise<Tended> {
  const { db } = tools;
  const clock = tools.clock ?? currentTime;
  const plan = await heldPlan(db, sweep, clock());
  const next = plan === null ? null : after(clock(), WAVE_MS);
  if (!(await isAnythingDue(db, sweep, plan, clock()))) return { ...NOTHING, nextAt: next };
  const holder = `${hostname()} ${process.pid}`;
  const lease = await takeLease(db, sweep.connectionId, holder, tools.leaseMs);
  if (lease === null) return { ...NOTHING, nextAt: after(clock(), BUSY_MS) };
  try {
    const signal = AbortSignal.any([lease.lost, ...(tools.signal ? [tools.signal] : [])]);
    const released = await releaseForgotten(lease, db, releasedIn(sweep.mode), clock);
    // Under the lease no sweep changes it any more.
    const now = await heldPlan(db, sweep, clock());
    if (now === null) return { ...NOTHING, released, nextAt: null };
    const escalated = await lease.write((tx) => escalate(tx, now, sweep, clock()));
    const contained = mayContain(sweep)
      ? await containHeld(lease, db, now, sweep, { clock, signal })
      : 0;
    return { contained, released, escalated, nextAt: after(clock(), WAVE_MS) };
  } finally {
    await lease.release();
  }
}

/** In mode `approve` nothing changes anybody's access without a person, a containment neither. */
function mayContain(sweep: ConnectionSweep): boolean {
  return sweep.mode === 'auto';
}

async function heldPlan(
  db: Database,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<PlanHead | null> {
  // Nothing of it can be applied: whom it had contained is released, and nobody told again.
  if (sweep.mode === 'observe') return null;
  const plan = await openPlan(db, sweep.connectionId);
  if (plan === null || plan.state !== 'held' || plan.approvedAt !== null) return null;
  return now < plan.expiresAt && plan.configuration === sweep.configuration ? plan : null;
}

async function isAnythingDue(
  db: Database,
  sweep: ConnectionSweep,
  plan: PlanHead | null,
  now: EpochMs,
): Promise<boolean> {
  if ((await forgottenPeople(db, sweep.connectionId, releasedIn(sweep.mode), now)).length > 0)
    return true;
  if (plan === null) return false;
  if (mayContain(sweep) && (await linesToContain(db, plan, now, 1)).length > 0) return true;
  return (await stepsDue(db, plan, sweep, now)).length > 0;
}

async function stepsDue(
  db: Database | Tx,
  plan: PlanHead,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<readonly number[]> {
  const { heldSince, connectionId } = plan;
  if (heldSince === null) return [];
  const rows = await db
    .selectFrom('plan_escalations')
    .select('after_ms')
    .where('connection_id', '=', connectionId)
    .where('held_since', '=', toTimestamp(heldSince))
    .execute();
  const told = rows.map((row) => Number(row.after_ms));
  return dueSteps(sweep.escalateMs ?? [], heldSince, told, now);
}

/** Each step is written down with what it tells, and so told once, whoever dies when. */
async function escalate(
  tx: Tx,
  plan: PlanHead,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<readonly number[]> {
  const steps = await stepsDue(tx, plan, sweep, now);
  const { heldSince, connectionId, runId, digest } = plan;
  if (heldSince === null || steps.length === 0) return [];
  const waiting = await countPeopleWaiting(tx, runId);
  for (const step of steps) {
    const key = { connection_id: connectionId, held_since: toTimestamp(heldSince), after_ms: step };
    await tx
      .insertInto('plan_escalations')
      .values({ ...key, run_id: runId, at: toTimestamp(now) })
      .execute();
    const facts = {
      run: runId,
      plan: digest,
      waiting,
      held_for_hours: Math.round((step / HOUR_MS) * 100) / 100,
      expires_at: new Date(plan.expiresAt).toISOString(),
    };
    const about = `held since ${new Date(toEpochMs(heldSince)).toISOString()}, after ${step / 1000} s`;
    await raise(tx, { event: 'sweep.escalated', connectionId, about, facts }, now);
  }
  return steps;
}
