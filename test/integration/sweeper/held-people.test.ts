import { createLog } from '@rollcall/shared/telemetry/log';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { showPlan } from '@rollcall/sweeper/plan/read';
import { rejectPlan } from '@rollcall/sweeper/plan/reject-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { tendHeld } from '@rollcall/sweeper/sweep/tend-held';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit, at } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';

const HOUR_MS = 3_600_000;
const LOG = createLog('silent');
const LEAVERS = names('p', 12);

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

/** Somebody signs in at the service, as its record of sign-ins has it. */
function signInWorks(minute: number) {
  const text = `insert into connection_sign_ins (connection_id, last_at, clock_offsets_ms)
    values ('acme', $1, '{}') on conflict (connection_id) do update set last_at = excluded.last_at`;
  return house.pool.query(text, [new Date(at(minute * 60))]);
}

/** A hundred people, of whom twelve are disabled in one run: two more than a day may take. */
async function twelveLeave(more: Partial<ConnectionSweep> = {}): Promise<SweepSummary> {
  await house.hire(names('p', 100));
  await house.sweep(1, more);
  await signInWorks(9);
  for (const name of LEAVERS) house.directory.set(name, { standing: 'disabled' });
  return house.sweep(10, more);
}

function tend(minute: number, more: Partial<ConnectionSweep> = {}) {
  const clock = () => house.sweepTime(minute);
  const sweep = house.sweepOf({ escalateMs: [HOUR_MS, 4 * HOUR_MS, 20 * HOUR_MS], ...more });
  return tendHeld(sweep, { db: house.db, log: LOG, clock });
}

async function inState(state: string): Promise<string[]> {
  return Object.entries(await house.states()).flatMap(([who, is]) => (is === state ? [who] : []));
}

async function notified(event: string): Promise<number> {
  const text = 'select count(*) as n from notifications where event = $1';
  return Number((await house.pool.query(text, [event])).rows[0].n);
}

function show(held: SweepSummary, minute: number) {
  const now = house.sweepTime(minute);
  return showPlan(house.db, held.waitingPlan!.digest, { limit: 100, now });
}

describe('people whom a held plan is about', () => {
  it('are contained in slow waves, keep roles and sessions, and the digest stays good', async () => {
    const held = await twelveLeave();
    expect(held).toMatchObject({ state: 'held', applied: 0, waiting: 12 });
    expect(await tend(10)).toMatchObject({ contained: 2, released: 0 });
    // The minute is used up, whoever asks.
    expect(await tend(10.5)).toMatchObject({ contained: 0 });
    expect(await tend(11.1)).toMatchObject({ contained: 2 });
    expect(await inState('contained')).toHaveLength(4);
    expect(await show(held, 12)).toMatchObject({ contained: 4, people: 12, state: 'held' });
    expect(await house.rolesOf('p000')).toEqual(['analyst']);
    expect(await house.liveSessions('p000')).toBe(1);

    // The containment is no newer fact: the plan that was shown goes on waiting, and holds.
    const again = await house.sweep(25);
    expect(again.waitingPlan).toEqual(held.waitingPlan);
    const { digest } = held.waitingPlan!;
    const approval = { digest, approver: 'oda', people: 12, reason: 'they left' };
    await approvePlan(house.db, approval, house.sweepTime(26));
    expect(await tend(27)).toMatchObject({ contained: 0, nextAt: null });
    expect(await house.sweep(28)).toMatchObject({ state: 'applied', applied: 12 });
    expect(await inState('deactivated')).toHaveLength(12);

    // Taken back, they are not left contained for a plan that is over.
    const undo = {
      plan: digest,
      operator: 'oda',
      reason: 'wrong',
      privilegedRoles: new Set<string>(),
    };
    await undoPlan({ db: house.db, ...undo, clock: () => house.sweepTime(29) });
    expect(await inState('active')).toHaveLength(100);
  });

  it('are free by a fresh sign-in, and are not asked again for the same', async () => {
    const held = await twelveLeave();
    await tend(10);
    const [free = '', other = ''] = await inState('contained');
    await admit(house, free, ['analyst'], 12 * 60);
    expect(await inState('contained')).toEqual([other]);
    for (let minute = 13; minute < 22; minute++) await tend(minute);
    expect(await house.stateOf(free)).toBe('active');
    expect(await inState('contained')).toHaveLength(11);
    expect((await house.auditOf(free)).filter((kind) => kind === 'user.contained')).toHaveLength(1);
    // The next sweep has newer evidence and makes a new plan; within the hour nobody is asked again.
    const next = await house.sweep(30);
    expect(next.waitingPlan).not.toEqual(held.waitingPlan);
    await tend(40);
    expect(await house.stateOf(free)).toBe('active');
    await signInWorks(72);
    await tend(75);
    expect(await house.stateOf(free)).toBe('contained');
  });

  it('are released when the directory lists them again, or the plan runs out', async () => {
    await twelveLeave();
    await tend(10);
    await tend(12);
    const [back = ''] = await inState('contained');
    house.directory.set(back, { standing: 'present' });
    await house.sweep(20);
    expect(await house.stateOf(back)).toBe('active');
    expect(await inState('contained')).toHaveLength(3);
    // No sweep succeeds any more: a day later the plan ends, and so does what it asked for.
    expect(await tend(25 * 60)).toMatchObject({ released: 3, nextAt: null });
    expect(await inState('active')).toHaveLength(100);
  });

  it('are released when a person says no, who is not asked again before the plan would have ended', async () => {
    const held = await twelveLeave();
    await tend(10);
    const rejection = { plan: held.waitingPlan!.digest, operator: 'oda', reason: 'a wrong filter' };
    const rejected = await rejectPlan(house.db, rejection, () => house.sweepTime(11));
    expect(rejected).toMatchObject({ released: 2 });
    expect(await inState('active')).toHaveLength(100);
    await expect(rejectPlan(house.db, rejection, () => house.sweepTime(11))).rejects.toMatchObject({
      code: 'plan.not_waiting',
    });

    const next = await house.sweep(20);
    expect(next).toMatchObject({ state: 'held', waiting: 12 });
    expect(next.waitingPlan).not.toEqual(held.waitingPlan);
    await tend(21);
    await tend(5 * 60);
    expect(await inState('contained')).toEqual([]);
    expect([await notified('sweep.held'), await notified('sweep.escalated')]).toEqual([1, 0]);
    // One more is something else than what was rejected.
    await signInWorks(300);
    house.directory.set('p050', { standing: 'disabled' });
    await house.sweep(301);
    expect(await notified('sweep.held')).toBe(2);
    expect(await tend(302)).toMatchObject({ contained: 2 });
  });

  it.each([
    ['while sign-in may be broken', {}, -3_000],
    ['in mode approve, where nothing happens without a person', { mode: 'approve' as const }, 9],
    ['in mode observe', { mode: 'observe' as const }, 9],
  ])('are left alone %s', async (_what, more, minute) => {
    await twelveLeave(more);
    await signInWorks(minute);
    expect(await tend(11, more)).toMatchObject({ contained: 0, released: 0 });
    expect(await inState('active')).toHaveLength(100);
  });

  it('are contained once, by however many workers at the same moment', async () => {
    await twelveLeave();
    for (const minute of [10, 11.1, 12.2]) {
      const all = await Promise.all([1, 2, 3, 4].map(() => tend(minute)));
      expect(all.reduce((sum, one) => sum + one.contained, 0)).toBeLessThanOrEqual(2);
    }
    expect(await inState('contained')).toHaveLength(6);
    const { rows } = await house.pool.query(
      "select user_id from audit_events where kind = 'user.contained'",
    );
    expect(new Set(rows.map((row) => row.user_id)).size).toBe(rows.length);
  });
});

describe('whoever has to decide', () => {
  it('is told when a plan is held, and again after 1, 4 and 20 hours, each once', async () => {
    await twelveLeave();
    expect(await notified('sweep.held')).toBe(1);
    expect(await tend(30)).toMatchObject({ escalated: [] });
    const all = await Promise.all([1, 2, 3].map(() => tend(71)));
    expect(all.flatMap((one) => one.escalated)).toEqual([HOUR_MS]);
    expect(await tend(72)).toMatchObject({ escalated: [] });
    // Another plan follows, and what was held is held since then all the same.
    house.directory.set('p050', { standing: 'disabled' });
    await house.sweep(100);
    expect(await notified('sweep.held')).toBe(2);
    expect(await tend(4 * 60 + 11)).toMatchObject({ escalated: [4 * HOUR_MS] });
    expect(await tend(21 * 60)).toMatchObject({ escalated: [20 * HOUR_MS] });
    expect(await notified('sweep.escalated')).toBe(3);
  });
});
