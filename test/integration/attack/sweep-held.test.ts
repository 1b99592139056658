import { createLog } from '@rollcall/shared/telemetry/log';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { rejectPlan } from '@rollcall/sweeper/plan/reject-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { DEFAULT_PERCENTS, limitsFor } from '@rollcall/sweeper/reconcile/brake-limits';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { tendHeld } from '@rollcall/sweeper/sweep/tend-held';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteSignIn } from '../access/people.ts';
import { type House, names, openHouse, sweepOver } from '../sweeper/house.ts';

/** Ways by which a held plan leaves somebody in, or keeps somebody out. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
  await house.hire(names('p', 11));
  await house.sweep(1);
});
afterEach(() => house.drop());

const DAY = 24 * 60;
/** A brake that lets one go in a run, so that a few people are enough. */
const LIMITS = { ...limitsFor(DEFAULT_PERCENTS), absencePerRun: { floor: 1, percent: 0 } };
const GONE = ['p000', 'p001'];
const LOG = createLog('silent');

function ofRoster(): ConnectionSweep {
  const { directory } = house;
  const capabilities = { lookUp: false, groups: true };
  const sweep = sweepOver(Object.assign(Object.create(directory), { capabilities }));
  const misses = { needed: 4, apartMs: DAY * 60_000 };
  return { ...sweep, limits: LIMITS, policy: { ...sweep.policy, misses } };
}

async function roster(minute: number) {
  await noteSignIn(house, minute * 60);
  return house.sweep(minute, ofRoster());
}

async function tend(minute: number, sweep: ConnectionSweep = house.sweepOf()) {
  await noteSignIn(house, minute * 60);
  return tendHeld(sweep, { db: house.db, log: LOG, clock: () => house.sweepTime(minute) });
}

async function contained(): Promise<string[]> {
  const states = Object.entries(await house.states());
  return states.filter(([, state]) => state === 'contained').map(([name]) => name);
}

describe('people whom a roster lacks, and whom a held plan has had contained,', () => {
  it('are in the next plan as in this one, which goes on waiting', async () => {
    house.directory.dismiss(...GONE);
    const held = await roster(DAY);
    expect(held).toMatchObject({ state: 'held', waiting: 2 });
    for (const minute of [1, 2]) await tend(DAY + 2 * minute, ofRoster());
    expect(await contained()).toEqual(GONE);
    expect(await roster(DAY + 15)).toMatchObject({ state: 'held', waitingPlan: held.waitingPlan });
    expect(await contained()).toEqual(GONE);
  });

  it('stay contained when a person approves it', async () => {
    house.directory.dismiss(...GONE);
    const held = await roster(DAY);
    for (const minute of [1, 2]) await tend(DAY + 2 * minute, ofRoster());
    const digest = held.waitingPlan?.digest ?? '';
    const now = house.sweepTime(DAY + 10);
    await approvePlan(house.db, { digest, approver: 'oda', people: 2, reason: 'they left' }, now);
    await applyPlan({
      db: house.db,
      sweep: ofRoster(),
      plan: digest,
      operator: 'oda',
      clock: () => now,
    });
    await tend(DAY + 12, ofRoster());
    expect(await contained()).toEqual(GONE);
    for (const day of [2, 3]) await roster(day * DAY + 20);
    await roster(4 * DAY + 20);
    expect(await contained()).toEqual(GONE);
    expect(await roster(4 * DAY + 40)).toMatchObject({
      counts: { 'deactivate absent_repeatedly': 2 },
    });
  });
});

async function openDigests(): Promise<string[]> {
  const { rows } = await house.pool.query("select digest from plans where state = 'held'");
  return rows.map(({ digest }) => digest);
}

/** A plan is held that takes access from two people, and one of them is contained. */
async function holdTwo(): Promise<void> {
  for (const name of GONE) house.directory.set(name, { standing: 'disabled' });
  const disabledPerDay = { floor: 1, percent: 0 };
  expect(await house.sweep(10, { limits: { ...LIMITS, disabledPerDay } })).toMatchObject({
    state: 'held',
  });
  await tend(11);
  expect(await contained()).toHaveLength(1);
}

describe('whoever is contained for a held plan', () => {
  it.each(['observe', 'approve'] as const)('is free where the mode becomes %s', async (mode) => {
    await holdTwo();
    expect(await tend(13, house.sweepOf({ mode }))).toMatchObject({ released: 1 });
    expect(await contained()).toEqual([]);
    // That is no newer fact about them: the plan still means them.
    const [digest = ''] = await openDigests();
    const now = house.sweepTime(14);
    for (const approver of ['oda', 'ida']) {
      await approvePlan(house.db, { digest, approver, people: 2, reason: 'they left' }, now);
    }
    const sweep = house.sweepOf({ mode: 'approve' });
    const request = { db: house.db, sweep, plan: digest, operator: 'oda', clock: () => now };
    expect(await applyPlan(request)).toMatchObject({ applied: 2, skipped: 0 });
  });

  it('is free where a sweep that only plans finds them again', async () => {
    await holdTwo();
    const [back = ''] = await contained();
    house.directory.set(back, { standing: 'present' });
    await house.sweep(20, { configuration: 'configuration-2' });
    expect(await contained()).toEqual([]);
  });
});

describe('whom a person has said no to', () => {
  it('are not taken when fewer are left, and the brake would let them go', async () => {
    const limits = LIMITS;
    house.directory.dismiss(...GONE);
    await house.sweep(10, { limits });
    const held = await house.sweep(20, { limits });
    expect(held).toMatchObject({ state: 'held', waiting: 2 });
    const rejection = { plan: held.waitingPlan?.digest ?? '', operator: 'oda', reason: 'no' };
    await rejectPlan(house.db, rejection, () => house.sweepTime(21));
    house.directory.employ('p001');
    expect(await house.sweep(35, { limits })).toMatchObject({ state: 'planned', waiting: 1 });
    expect(await house.states()).toMatchObject({ p000: 'suspected', p001: 'active' });
    // When the rejected plan would have ended, it is a new question.
    for (const minute of [21 + DAY, 36 + DAY]) await house.sweep(minute, { limits });
    expect(await house.stateOf('p000')).toBe('deactivated');
  });
});

describe('taking back a plan that released somebody', () => {
  it('asks nobody for a sign-in while sign-in may be broken', async () => {
    house.directory.dismiss('p000');
    await roster(DAY);
    expect(await contained()).toEqual(['p000']);
    house.directory.employ('p000');
    const released = await roster(2 * DAY);
    expect(await contained()).toEqual([]);
    const undone = await undoPlan({
      db: house.db,
      plan: released.runId,
      operator: 'oda',
      reason: 'the wrong roster',
      privilegedRoles: new Set(['admin']),
      clock: () => house.sweepTime(4 * DAY),
    });
    expect(undone).toMatchObject({ undone: 0, skipped: 1 });
    expect(await contained()).toEqual([]);
  });
});
