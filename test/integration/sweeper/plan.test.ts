import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { history, showPlan } from '@rollcall/sweeper/plan/read';
import { planSweep } from '@rollcall/sweeper/sweep/plan-sweep';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const CROWD = names('p', 40);
const LEAVERS = names('p', 4);

/** Forty people, a baseline, and then four leave: one more than a run may remove. */
async function fourLeave(): Promise<SweepSummary> {
  await house.hire(CROWD);
  await house.sweep(1);
  house.directory.dismiss(...LEAVERS);
  await house.sweep(10);
  return house.sweep(20);
}

function show(summary: SweepSummary, minute = 21) {
  const now = house.sweepTime(minute);
  return showPlan(house.db, summary.waitingPlan!.digest, { limit: 100, now });
}

async function countOut(): Promise<number> {
  return Object.values(await house.states()).filter((state) => state === 'deactivated').length;
}

function approvalOf(summary: SweepSummary, people: number) {
  return { digest: summary.waitingPlan!.digest, approver: 'oda', people, reason: 'they left' };
}

function applyAt(minute: number, plan: string, more: Parameters<House['sweepOf']>[0] = {}) {
  return applyPlan({
    db: house.db,
    sweep: house.sweepOf(more),
    plan,
    operator: 'oda',
    clock: () => house.sweepTime(minute),
  });
}

describe('the brake', () => {
  it('holds a class, lets the others through, and waits for an approval that names the number', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.dismiss(...LEAVERS);
    await house.sweep(10);
    house.directory.set('p010', { standing: 'disabled' });
    const held = await house.sweep(20);
    expect(held).toMatchObject({ state: 'held', code: 'sweep.held', applied: 1, waiting: 4 });
    expect(held.heldWhy).toEqual([
      expect.objectContaining({ class: 'absence', rule: 'absencePerRun', allowed: 3, received: 4 }),
    ]);
    expect(await house.stateOf('p010')).toBe('deactivated');
    expect(await countOut()).toBe(1);

    const view = await show(held);
    expect(view).toMatchObject({ state: 'held', people: 4, population: 40, approvals: [] });
    const waiting = view.lines.filter((line) => line.waits);
    expect(waiting.map((line) => line.subject)).toHaveLength(4);
    expect(waiting[0]).toMatchObject({
      decision: 'deactivate',
      label: expect.stringContaining('@acme.example'),
      sentence: 'no longer listed at the identity provider, confirmed by two look-ups',
      lose: ['analyst'],
      sessions: 1,
      outcome: null,
    });

    await expect(applyAt(21, view.digest)).rejects.toMatchObject({ code: 'plan.not_approved' });
    const approve = (people: number) =>
      approvePlan(house.db, approvalOf(held, people), house.sweepTime(21));
    await expect(approve(3)).rejects.toMatchObject({
      code: 'plan.people_differ',
      detail: { expected: 4, received: 3 },
    });
    await approve(4);
    await approve(4);
    expect((await show(held)).approvals).toHaveLength(1);
    expect(await countOut()).toBe(1);

    expect(await applyAt(22, view.digest.slice(0, 10))).toEqual({
      applied: 4,
      skipped: 0,
      sessionsEnded: 4,
      state: 'applied',
    });
    expect(await countOut()).toBe(5);
    const [record] = await history(house.db, { limit: 1 });
    expect(record).toMatchObject({ state: 'applied', planState: 'applied' });
    // What a person approved is not held against the next run.
    house.directory.dismiss('p020');
    await house.sweep(30);
    expect(await house.sweep(40)).toMatchObject({ state: 'applied', applied: 1 });
  });

  it('keeps holding through sweeps: the digest that was shown stays good', async () => {
    const held = await fourLeave();
    house.directory.set('p030', { groups: ['editors'] });
    const again = await house.sweep(35);
    expect(again).toMatchObject({ state: 'held', waiting: 4, applied: 1 });
    expect(again.waitingPlan).toEqual(held.waitingPlan);
    await approvePlan(house.db, approvalOf(held, 4), house.sweepTime(36));
    // In mode auto, the next sweep applies what was approved.
    expect(await house.sweep(50)).toMatchObject({ state: 'applied', applied: 4, waiting: 0 });
    expect(await countOut()).toBe(4);
  });

  it('forgets nobody: a fifth leaver makes a new plan of all five', async () => {
    const held = await fourLeave();
    house.directory.dismiss('p004');
    // Suspected at first: the four wait where they waited.
    expect((await house.sweep(35)).waitingPlan).toEqual(held.waitingPlan);
    const five = await house.sweep(45);
    expect(five).toMatchObject({ state: 'held', waiting: 5, applied: 0 });
    expect(five.waitingPlan?.runId).toBe(five.runId);
    expect((await show(held)).state).toBe('superseded');
    const late = approvePlan(house.db, approvalOf(held, 4), house.sweepTime(46));
    await expect(late).rejects.toMatchObject({ code: 'plan.not_waiting' });
    await expect(applyAt(46, held.waitingPlan!.digest)).rejects.toMatchObject({
      code: 'plan.not_waiting',
    });
    expect(await countOut()).toBe(0);
  });

  it('skips, at the time of applying, whoever has signed in since', async () => {
    const held = await fourLeave();
    await admit(house, 'p002', ['analyst'], 22 * 60);
    await approvePlan(house.db, approvalOf(held, 4), house.sweepTime(23));
    const tally = await applyAt(24, held.waitingPlan!.digest);
    expect(tally).toMatchObject({ applied: 3, skipped: 1 });
    expect(await house.stateOf('p002')).toBe('active');
    const view = await show(held);
    expect(view.lines.find((line) => line.subject === 'p002')).toMatchObject({
      outcome: 'skipped',
      outcomeWhy: 'signed_in_since',
    });
  });

  it('remembers what sweeps took by themselves within a day', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    for (const [index, who] of [names('p', 3), ['p010', 'p011']].entries()) {
      house.directory.dismiss(...who);
      await house.sweep(10 + index * 30);
      await house.sweep(20 + index * 30);
    }
    expect(await countOut()).toBe(5);
    house.directory.dismiss('p020');
    await house.sweep(70);
    expect(await house.sweep(80)).toMatchObject({
      state: 'held',
      heldWhy: [expect.objectContaining({ rule: 'absencePerDay', allowed: 5, received: 6 })],
    });
  });
});

describe('what only plans', () => {
  it('the first sweep, and the first after a change of configuration or of scope', async () => {
    await house.hire(CROWD);
    house.directory.set('p001', { standing: 'disabled' });
    expect(await house.sweep(1)).toMatchObject({
      state: 'planned',
      planOnlyBecause: 'first_sweep',
      waiting: 1,
      applied: 0,
    });
    expect(await countOut()).toBe(0);
    expect(await house.sweep(10)).toMatchObject({ state: 'applied', applied: 1 });

    house.directory.set('p002', { standing: 'disabled' });
    const changed = { configuration: 'configuration-2' };
    expect(await house.sweep(20, changed)).toMatchObject({
      state: 'planned',
      planOnlyBecause: 'configuration_changed',
    });
    expect(await countOut()).toBe(1);
    expect(await house.sweep(30, changed)).toMatchObject({ state: 'applied', applied: 1 });

    house.directory.set('p003', { standing: 'disabled' });
    house.directory.scope = 'scope-2';
    expect(await house.sweep(40, changed)).toMatchObject({
      state: 'planned',
      planOnlyBecause: 'directory_changed',
    });
    expect(await countOut()).toBe(2);
    expect(await house.sweep(50, changed)).toMatchObject({ state: 'applied', applied: 1 });
  });

  it('an operator who asks for a plan', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.set('p001', { standing: 'disabled' });
    const { db } = house;
    const log = (await import('@rollcall/shared/telemetry/log')).createLog('silent');
    const clock = () => house.sweepTime(10);
    const planned = await planSweep(house.sweepOf(), { db, log, clock });
    expect(planned).toMatchObject({ state: 'planned', planOnlyBecause: 'operator_asked' });
    expect(await countOut()).toBe(0);
  });

  it('mode observe, which no hand can apply', async () => {
    await house.hire(CROWD);
    const observe = { mode: 'observe' as const };
    await house.sweep(1, observe);
    house.directory.set('p001', { standing: 'disabled' });
    const seen = await house.sweep(10, observe);
    expect(seen).toMatchObject({ state: 'planned', planOnlyBecause: 'mode_observe', waiting: 1 });
    expect((await house.sweep(20, observe)).waitingPlan).toEqual(seen.waitingPlan);
    await expect(applyAt(21, seen.waitingPlan!.digest, observe)).rejects.toMatchObject({
      code: 'sweep.observe_only',
    });
    expect(await countOut()).toBe(0);
  });
});

describe('mode approve', () => {
  const approve = { mode: 'approve' as const };

  it('waits with what changes access, and applies it by hand', async () => {
    await house.hire(CROWD);
    await house.sweep(1, approve);
    house.directory.dismiss('p001');
    house.directory.set('p002', { groups: ['editors'] });
    const seen = await house.sweep(10, approve);
    expect(seen).toMatchObject({ state: 'planned', waiting: 1, applied: 1 });
    expect(await house.stateOf('p001')).toBe('suspected');
    expect(await house.rolesOf('p002')).toEqual(['analyst']);

    const confirmed = await house.sweep(20, approve);
    expect(confirmed).toMatchObject({ state: 'planned', waiting: 2, applied: 0 });
    expect(await countOut()).toBe(0);
    expect(await applyAt(21, confirmed.runId, approve)).toMatchObject({ applied: 2 });
    expect(await house.stateOf('p001')).toBe('deactivated');
    expect(await house.rolesOf('p002')).toEqual(['editor']);
    expect((await show(confirmed)).approvals).toEqual([
      expect.objectContaining({ approver: 'oda', people: 2, reason: 'applied by hand' }),
    ]);
    expect(await house.sweep(30, approve)).toMatchObject({ state: 'applied', waiting: 0 });
  });

  it('lets a plan expire', async () => {
    await house.hire(CROWD);
    await house.sweep(1, approve);
    house.directory.set('p001', { standing: 'disabled' });
    const seen = await house.sweep(10, approve);
    const late = 10 + 24 * 60;
    await expect(applyAt(late, seen.runId, approve)).rejects.toMatchObject({
      code: 'plan.expired',
    });
    await expect(
      approvePlan(house.db, approvalOf(seen, 1), house.sweepTime(late)),
    ).rejects.toMatchObject({ code: 'plan.expired' });
    const fresh = await house.sweep(late, approve);
    expect(fresh.waitingPlan?.runId).toBe(fresh.runId);
    expect((await show(seen)).state).toBe('expired');
  });

  it('applies no plan of another configuration, and none that was altered', async () => {
    await house.hire(CROWD);
    await house.sweep(1, approve);
    house.directory.set('p001', { standing: 'disabled' });
    const seen = await house.sweep(10, approve);
    const other = { ...approve, configuration: 'configuration-2' };
    await expect(applyAt(11, seen.runId, other)).rejects.toMatchObject({
      code: 'plan.configuration_changed',
    });
    await house.pool.query('update plan_lines set user_id = $1 where run_id = $2', [
      await house.idOf('p005'),
      seen.runId,
    ]);
    await expect(applyAt(12, seen.runId, approve)).rejects.toMatchObject({ code: 'plan.altered' });
    expect(await countOut()).toBe(0);
  });

  it('says what is missing', async () => {
    await expect(applyAt(1, 'deadbeef')).rejects.toMatchObject({ code: 'plan.not_found' });
    await expect(applyAt(1, 'zz')).rejects.toMatchObject({ code: 'plan.not_found' });
    const approval = { digest: 'deadbeef', approver: 'oda', people: 0, reason: ' ' };
    await expect(approvePlan(house.db, approval, house.sweepTime(1))).rejects.toMatchObject({
      code: 'plan.reason_missing',
    });
    expect(await history(house.db, { limit: 10 })).toEqual([]);
  });
});
