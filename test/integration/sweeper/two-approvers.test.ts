import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { type Approval, approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { showPlan } from '@rollcall/sweeper/plan/read';
import { DEFAULT_PERCENTS, limitsFor } from '@rollcall/sweeper/reconcile/brake-limits';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type House, names, openHouse } from './house.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const LEAVERS = names('p', 9);

/** Forty people, of whom nine are disabled in one run: more than a fifth. */
async function nineLeave(): Promise<SweepSummary> {
  await house.hire(names('p', 40));
  await house.sweep(1);
  for (const name of LEAVERS) house.directory.set(name, { standing: 'disabled' });
  return house.sweep(10);
}

function approve(held: SweepSummary, approver: string, more: Partial<Approval> = {}, minute = 11) {
  const approval = { digest: held.waitingPlan!.digest, approver, people: 9, reason: 'they left' };
  return approvePlan(house.db, { ...approval, ...more }, house.sweepTime(minute));
}

function applyAs(operator: string, held: SweepSummary, minute = 12) {
  const clock = () => house.sweepTime(minute);
  const { digest: plan } = held.waitingPlan!;
  return applyPlan({ db: house.db, sweep: house.sweepOf(), plan, operator, clock });
}

function show(held: SweepSummary) {
  const { digest } = held.waitingPlan!;
  return showPlan(house.db, digest, { limit: 100, now: house.sweepTime(11) });
}

async function countOut(): Promise<number> {
  return Object.values(await house.states()).filter((state) => state === 'deactivated').length;
}

async function audits(kind: string): Promise<Record<string, unknown>[]> {
  const text = 'select actor, reason, evidence from audit_events where kind = $1 order by id';
  return (await house.pool.query(text, [kind])).rows;
}

describe('a plan that takes from more than a fifth', () => {
  it('needs two people, each of whom counts once', async () => {
    const held = await nineLeave();
    expect(held).toMatchObject({
      state: 'held',
      applied: 0,
      heldWhy: [{ rule: 'largeShare', allowed: 8, received: 9, base: 40 }],
    });
    expect(await show(held)).toMatchObject({ approvalsNeeded: 2, approvalsGiven: 0 });
    await expect(applyAs('oda', held)).rejects.toMatchObject({
      code: 'plan.not_approved',
      message: expect.stringContaining('2 people have to approve it first'),
    });

    expect(await approve(held, 'root', { account: 'root' })).toMatchObject({ given: 1, needed: 2 });
    for (const once of ['root', ' ROOT ', 'Oda']) {
      expect(await approve(held, once, { account: 'root' })).toMatchObject({ given: 1 });
    }
    await expect(applyAs('oda', held)).rejects.toMatchObject({ code: 'plan.not_approved' });
    expect(await house.sweep(13)).toMatchObject({ state: 'held', applied: 0, waiting: 9 });
    await expect(approve(held, 'ida', { people: 8 })).rejects.toMatchObject({
      code: 'plan.people_differ',
    });
    await expect(approve(held, ' ', {})).rejects.toMatchObject({ code: 'plan.approver_missing' });
    await expect(approve(held, 'ida', { reason: ' ' })).rejects.toMatchObject({
      code: 'plan.reason_missing',
    });
    expect(await countOut()).toBe(0);

    expect(await approve(held, 'ida', { account: 'ida' })).toMatchObject({ given: 2, needed: 2 });
    expect((await audits('plan.approved')).map(({ actor, evidence }) => [actor, evidence])).toEqual(
      [
        [{ kind: 'operator', name: 'root' }, expect.objectContaining({ given: 1, needed: 2 })],
        [{ kind: 'operator', name: 'Oda' }, expect.objectContaining({ given: 1, account: 'root' })],
        [{ kind: 'operator', name: 'ida' }, expect.objectContaining({ given: 2, people: 9 })],
      ],
    );
    // In mode auto the next sweep applies what two have approved.
    expect(await house.sweep(14)).toMatchObject({ state: 'applied', applied: 9, waiting: 0 });
    expect(await countOut()).toBe(9);
  });

  it('has approvals that nobody can change, and that go only with their plan', async () => {
    const held = await nineLeave();
    await approve(held, 'oda');
    const tamper = (text: string) => house.pool.query(text);
    await expect(tamper("update plan_approvals set approver_key = 'ida'")).rejects.toThrow(
      'append-only',
    );
    await expect(tamper('delete from plan_approvals')).rejects.toThrow('append-only');
    await tamper('delete from plan_lines');
    await tamper('delete from plans');
    expect((await house.pool.query('select from plan_approvals')).rowCount).toBe(0);
  });

  it('loses its first approval with the digest: the plan that follows begins at none', async () => {
    const held = await nineLeave();
    await approve(held, 'oda');
    house.directory.set('p020', { standing: 'disabled' });
    const next = await house.sweep(15);
    expect(next.waitingPlan?.runId).toBe(next.runId);
    expect(await show(next)).toMatchObject({ approvalsNeeded: 2, approvalsGiven: 0, people: 10 });
    await expect(approve(held, 'ida')).rejects.toMatchObject({
      code: 'plan.not_waiting',
      message: `The plan is superseded: nothing of it waits. Plan ${next.waitingPlan!.digest.slice(0, 12)} waits in its place: \`rollcall sweep show ${next.waitingPlan!.digest.slice(0, 12)}\`.`,
    });
    await approve(next, 'ida', { people: 10 });
    await expect(applyAs('ida', next)).rejects.toMatchObject({ code: 'plan.not_approved' });
    await expect(approve(next, 'oda', { people: 10 }, 25 * 60)).rejects.toMatchObject({
      code: 'plan.expired',
    });
    expect(await countOut()).toBe(0);
  });

  it('is applied once, whoever of many approves and applies it at the same moment', async () => {
    const held = await nineLeave();
    const everybody = ['oda', 'Oda', 'ida', 'una', 'IDA ', 'eva'];
    const approvals = await Promise.all(everybody.map((name) => approve(held, name)));
    // Of those who are told that it is complete, the first was its second person.
    expect(approvals.filter(({ given }) => given < 2).length).toBeGreaterThan(0);
    expect(Math.max(...approvals.map(({ given }) => given))).toBe(4);
    const tries = await Promise.allSettled(everybody.map((name) => applyAs(name, held)));
    const won = tries.filter((one) => one.status === 'fulfilled').map((one) => one.value);
    expect(won).toEqual([{ applied: 9, skipped: 0, sessionsEnded: 9, state: 'applied' }]);
    for (const lost of tries.filter((one) => one.status === 'rejected')) {
      expect(['sweep.busy', 'plan.not_waiting']).toContain(lost.reason.code);
    }
    expect(await audits('plan.approved')).toHaveLength(4);
    expect(await audits('plan.applied')).toHaveLength(1);
    expect(await audits('user.deactivated')).toHaveLength(9);
  });

  it('of two who are the only ones, exactly one is told to apply it', async () => {
    const held = await nineLeave();
    const both = await Promise.all(['oda', 'ida'].map((name) => approve(held, name)));
    expect(both.map(({ given }) => given).sort()).toEqual([1, 2]);
  });
});

describe('the share', () => {
  it('can be lowered: then fewer people are held, and need two', async () => {
    await house.hire(names('p', 100));
    await house.sweep(1);
    const limits = limitsFor({ ...DEFAULT_PERCENTS, twoApproversAbove: 5 });
    for (const name of names('p', 6)) house.directory.set(name, { standing: 'disabled' });
    const held = await house.sweep(10, { limits });
    expect(held).toMatchObject({ state: 'held', heldWhy: [{ rule: 'largeShare', allowed: 5 }] });
    expect(await show(held)).toMatchObject({ approvalsNeeded: 2 });
    // Under the limits of before, the same six go by themselves.
    expect(await house.sweep(20)).toMatchObject({ state: 'applied', applied: 6 });
  });
});
