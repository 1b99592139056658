import { createLog } from '@rollcall/shared/telemetry/log';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { findPlan } from '@rollcall/sweeper/plan/plan-head';
import { planSweep } from '@rollcall/sweeper/sweep/plan-sweep';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit } from '../access/people.ts';
import { type House, names, openHouse, RULES, rule } from '../sweeper/house.ts';

/** Ways to lock people out whom nobody meant to lock out. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const CROWD = names('p', 20);
const log = createLog('silent');

async function settle(people = CROWD): Promise<void> {
  await house.hire(people);
  await house.sweep(1);
}

function waiting({ waitingPlan }: SweepSummary) {
  if (waitingPlan === null) throw new Error('nothing waits');
  return waitingPlan;
}

function member(name: string) {
  const person = house.directory.people.get(name);
  if (person === undefined) throw new Error(`${name} does not work here`);
  return person;
}

async function out(): Promise<string[]> {
  return Object.entries(await house.states())
    .filter(([, state]) => state === 'deactivated')
    .map(([name]) => name);
}

/** A sweep that takes p001, p002 and p003 breaks off after the first. */
async function breakOff(): Promise<void> {
  await settle();
  for (const name of ['p001', 'p002', 'p003']) house.directory.set(name, { standing: 'disabled' });
  await house.pool.query(`create sequence broken_off; create function break_off() returns trigger language plpgsql as $$
    begin if new.state = 'deactivated' and nextval('broken_off') > 1 then raise 'disk full'; end if; return new; end $$;
    create trigger break_off before update on users for each row execute function break_off()`);
  const broken = await house.sweep(10);
  expect(broken.code).toBe('internal');
  await house.pool.query('drop trigger break_off on users');
  expect(await out()).toHaveLength(1);
  const { rows } = await house.pool.query("select state from plans where state = 'applying'");
  expect(rows).toHaveLength(1);
}

describe('a plan that was broken off', () => {
  it('is not gone on with by `sweep plan`, which applies nothing', async () => {
    await breakOff();
    await planSweep(house.sweepOf(), { db: house.db, log, clock: () => house.sweepTime(12) });
    expect(await out()).toHaveLength(1);
  });

  it('is not gone on with in mode observe', async () => {
    await breakOff();
    await house.sweep(12, { mode: 'observe' });
    expect(await out()).toHaveLength(1);
  });

  it('is not gone on with in mode approve without anybody', async () => {
    await breakOff();
    await house.sweep(12, { mode: 'approve' });
    expect(await out()).toHaveLength(1);
  });

  it('takes nobody whom the directory has said since to be present', async () => {
    await breakOff();
    for (const name of ['p001', 'p002', 'p003']) house.directory.set(name, { standing: 'present' });
    // Twenty hours later the worker is back.
    await house.sweep(20 * 60);
    expect(await out()).toEqual([]);
  });
});

describe('the brake is not evaded', () => {
  it('by a connection of ten that is emptied one run after the other within a day', async () => {
    const people = names('p', 10);
    await settle(people);
    house.directory.employ('not-ours');
    let minute = 10;
    for (const lot of [4, 2, 1, 1, 1, 1]) {
      const left = Object.entries(await house.states()).filter(([, s]) => s === 'active');
      for (const [name] of left.slice(0, lot)) house.directory.set(name, { standing: 'disabled' });
      minute += 10;
      await house.sweep(minute);
    }
    expect((await out()).length).toBeLessThan(5);
  });

  it('by a connection of five whose people vanish one by one', async () => {
    const people = names('p', 5);
    await settle(people);
    for (const name of names('other', 20)) house.directory.employ(name);
    await house.sweep(3);
    for (const [index, name] of people.entries()) {
      house.directory.dismiss(name);
      await house.sweep(10 + index * 20);
      await house.sweep(20 + index * 20);
    }
    expect((await out()).length).toBeLessThan(3);
  });

  it('by planning and applying by hand in a loop: the day counts all that no approval named', async () => {
    const crowd = names('p', 100);
    await settle(crowd);
    let minute = 10;
    for (let round = 0; round < 10; round++) {
      for (const name of crowd.slice(round * 2, round * 2 + 2)) house.directory.dismiss(name);
      minute += 20;
      await house.sweep(minute);
      const planned = await house.sweep(minute + 10, { mode: 'approve' });
      if (planned.waitingPlan === null || planned.state === 'held') continue;
      const now = house.sweepTime(minute + 11);
      await applyPlan({
        db: house.db,
        sweep: house.sweepOf({ mode: 'approve' }),
        plan: planned.waitingPlan.runId,
        operator: 'cron',
        clock: () => now,
      }).catch(() => undefined);
    }
    expect((await out()).length).toBeLessThanOrEqual(10);
  }, 60_000);
});

describe('a person who was found since', () => {
  it('is skipped when an approved plan is applied: a later listing names them', async () => {
    await settle();
    const gone = ['p001', 'p002', 'p003', 'p004'];
    const back = gone.map((name) => [name, member(name)] as const);
    house.directory.dismiss(...gone);
    // 20 % shrinkage would be partial: others join.
    for (const name of names('other', 20)) house.directory.employ(name);
    await house.sweep(10);
    const held = await house.sweep(20);
    expect(held.state).toBe('held');
    for (const [name, person] of back) house.directory.people.set(name, person);
    house.directory.faults = { repeatPage: true };
    const partial = await house.sweep(30);
    expect(partial).toMatchObject({ state: 'incomplete' });
    const { digest, runId } = waiting(held);
    expect((await findPlan(house.db, digest)).state).toBe('held');
    const now = house.sweepTime(31);
    await approvePlan(house.db, { digest, approver: 'oda', people: 4, reason: 'x' }, now);
    await applyPlan({
      db: house.db,
      sweep: house.sweepOf(),
      plan: runId,
      operator: 'oda',
      clock: () => now,
    });
    expect(await out()).toEqual([]);
  });

  it('is skipped when a plan is applied that calls them disabled', async () => {
    await settle();
    house.directory.set('p000', { standing: 'disabled' });
    const mode = 'approve' as const;
    const planned = await house.sweep(10, { mode });
    expect(planned.counts).toMatchObject({ 'deactivate disabled': 1 });
    house.directory.set('p000', { standing: 'present' });
    house.directory.faults = { half: true };
    expect(await house.sweep(20, { mode })).toMatchObject({ partialReason: 'shrunk' });
    await applyPlan({
      db: house.db,
      sweep: house.sweepOf({ mode }),
      plan: planned.runId,
      operator: 'oda',
      clock: () => house.sweepTime(21),
    });
    expect(await out()).toEqual([]);
  });

  it('has to be missed twice again, even if the listing that named them broke later', async () => {
    await settle();
    const person = member('p000');
    house.directory.people.delete('p000');
    await house.sweep(10);
    house.directory.people.clear();
    house.directory.people.set('p000', person);
    for (const name of CROWD.slice(1)) house.directory.employ(name);
    house.directory.faults = { failAfterPages: { pages: 3, fault: 'request_failed' } };
    house.directory.pageSize = 3;
    await house.sweep(20);
    house.directory.faults = {};
    house.directory.people.delete('p000');
    await house.sweep(30);
    expect(await house.stateOf('p000')).toBe('suspected');
  });
});

describe('the last admins', () => {
  it('stay, though their role was declared privileged after they had got it', async () => {
    await house.hire(CROWD);
    for (const name of ['a1', 'a2']) {
      house.directory.employ(name, ['editors']);
      await admit(house, name, ['editor'], 0);
    }
    await house.sweep(1);
    const more = editorsArePrivileged();
    await house.sweep(5, more);
    house.directory.set('a1', { standing: 'disabled' });
    house.directory.set('a2', { standing: 'disabled' });
    await house.sweep(10, more);
    expect(await out()).toEqual([]);
  });

  it('nor go two of the others in one run, whose role was declared so', async () => {
    await house.hire(CROWD);
    await house.hire(['a1', 'a2', 'a3', 'a4'], ['analysts', 'editors']);
    await house.sweep(1);
    const more = editorsArePrivileged();
    await house.sweep(5, more);
    for (const name of ['a1', 'a2']) house.directory.set(name, { standing: 'disabled' });
    expect(await house.sweep(10, more)).toMatchObject({
      state: 'held',
      waiting: 2,
      heldWhy: [{ rule: 'privileged_holders' }],
    });
  });
});

/** A configuration in which a role is privileged that was not when people got it. */
function editorsArePrivileged() {
  const roles = [
    ...RULES.slice(0, 1),
    rule('editor', 'editors', { privileged: true, from: ['acme'] }),
  ];
  const base = house.sweepOf().policy;
  return {
    configuration: 'editor is privileged',
    privilegedRoles: new Set(['editor']),
    policy: { ...base, roles: { ...base.roles, rules: roles } },
  };
}
