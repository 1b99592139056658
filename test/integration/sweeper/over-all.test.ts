import { type ConnectionId, toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { createLog } from '@rollcall/shared/telemetry/log';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACME, admit, START } from '../access/people.ts';
import { type House, names, openHouse, sweepOver } from './house.ts';
import { SimulatedDirectory } from './simulator.ts';

const CONNECTIONS = ['acme', 'globex', 'initech', 'umbrella'].map(toConnectionId);
const LOG = createLog('silent');

let house: House;
let directories: Map<ConnectionId, SimulatedDirectory>;
beforeEach(async () => {
  house = await openHouse();
  directories = new Map();
  for (const [index, id] of CONNECTIONS.entries()) {
    const directory = id === ACME ? house.directory : new SimulatedDirectory();
    directories.set(id, directory);
    if (id !== ACME) await registerConnection(house.db, id, `https://${id}.example`, START);
    for (const name of names(`${index}p`, 30)) {
      directory.employ(name);
      await admit(house, name, ['analyst'], 0, { connectionId: id });
    }
  }
});
afterEach(() => house.drop());

function sweepOf(id: ConnectionId, more: Partial<ConnectionSweep> = {}): ConnectionSweep {
  const over = sweepOver(directories.get(id)!, { connectionId: id, ...more });
  return { ...over, policy: { ...over.policy, connectionId: id } };
}

async function sweep(id: ConnectionId, minute: number, more: Partial<ConnectionSweep> = {}) {
  const clock = () => house.sweepTime(minute);
  const result = await runSweep(sweepOf(id, more), 'schedule', { db: house.db, log: LOG, clock });
  if (result.kind === 'busy') throw new Error('nobody else sweeps this one');
  return result;
}

function everyConnection(minute: number, more: Partial<ConnectionSweep> = {}) {
  return Promise.all(CONNECTIONS.map((id) => sweep(id, minute, more)));
}

/** So many people of each connection are disabled, each well within its own limits. */
function disable(perConnection: number): void {
  for (const directory of directories.values()) {
    const present = [...directory.people].filter(([, one]) => one.standing === 'present');
    for (const [name] of present.slice(0, perConnection)) {
      directory.set(name, { standing: 'disabled' });
    }
  }
}

const sum = (all: readonly SweepSummary[]) => all.reduce((total, one) => total + one.applied, 0);

describe('the limit over all connections', () => {
  it('lets no two sweeps at the same moment use the last room', async () => {
    await everyConnection(1);
    // 15 of 120 may go within a day: three times five, and not four times.
    disable(5);
    const all = await everyConnection(10);
    expect(sum(all)).toBe(15);
    const held = all.filter((one) => one.state === 'held');
    expect(held).toHaveLength(1);
    expect(held[0]).toMatchObject({
      applied: 0,
      waiting: 5,
      heldWhy: [{ class: 'disabled', rule: 'allConnectionsPerDay', allowed: 15, received: 20 }],
    });
    // Nothing of it goes by itself later on the same day, nor anything more of the others.
    disable(1);
    expect(sum(await everyConnection(20))).toBe(0);
    // What a person approves goes, and uses no room.
    const { digest } = (await sweep(held[0]!.connectionId, 30)).waitingPlan!;
    const approval = { digest, approver: 'oda', people: 6, reason: 'they left' };
    await approvePlan(house.db, approval, house.sweepTime(31));
    expect(await sweep(held[0]!.connectionId, 32)).toMatchObject({ state: 'applied', applied: 6 });
    // A day later there is room again.
    expect(sum(await everyConnection(25 * 60))).toBe(3);
  });

  it('counts what a worker was let apply and has not: its room is taken while it may go on', async () => {
    await everyConnection(1);
    disable(6);
    const [first, second, third] = CONNECTIONS as [ConnectionId, ConnectionId, ConnectionId];
    const stopped = new AbortController();
    const applied = async () => {
      const text = "select count(*) as n from plan_lines where outcome = 'applied'";
      return Number((await house.pool.query(text)).rows[0].n);
    };
    const tools = { db: house.db, log: LOG, clock: () => house.sweepTime(10) };
    // The worker comes to this one and waits: so it is stopped in the midst of the plan.
    const held = await house.pool.connect();
    await held.query('begin');
    const lastOf =
      'select from users where id = (select max(id::text)::uuid from users where subject = any($1)) for no key update';
    const disabled = [...directories.get(first)!.people].filter(
      ([, one]) => one.standing === 'disabled',
    );
    await held.query(lastOf, [disabled.map(([name]) => name)]);
    const running = runSweep(sweepOf(first), 'schedule', { ...tools, signal: stopped.signal });
    while ((await applied()) < 2) await new Promise((next) => setImmediate(next));
    stopped.abort();
    await held.query('commit');
    held.release();
    expect(await running).toMatchObject({ state: 'applying' });
    expect(await applied()).toBeLessThan(6);

    expect(await sweep(second, 11)).toMatchObject({ state: 'applied', applied: 6 });
    expect(await sweep(third, 11)).toMatchObject({ state: 'held', applied: 0 });
    // The next worker finishes it: six are gone of the first, and no more than fifteen of all.
    expect(await sweep(first, 12)).toMatchObject({ state: 'applied' });
    expect(await applied()).toBe(12);
    expect(await sweep(third, 13)).toMatchObject({ state: 'held', applied: 0 });
  });

  it('is asked again when a plan is applied by hand that was within it when it was made', async () => {
    const approve = { mode: 'approve' as const };
    await everyConnection(1, approve);
    disable(6);
    const plans = await everyConnection(10, approve);
    expect(plans.map((one) => one.state)).toEqual(['planned', 'planned', 'planned', 'planned']);
    const clock = () => house.sweepTime(20);
    const byHand = plans.map(({ connectionId, waitingPlan }) =>
      applyPlan({
        db: house.db,
        sweep: sweepOf(connectionId, approve),
        plan: waitingPlan!.digest,
        operator: 'a loop',
        clock,
      }),
    );
    const done = await Promise.allSettled(byHand);
    const applied = done.filter((one) => one.status === 'fulfilled').map((one) => one.value);
    expect(applied.map((one) => one.applied)).toEqual([6, 6]);
    for (const one of done) {
      if (one.status === 'rejected') expect(one.reason.code).toBe('plan.not_approved');
    }
    const text = "select state, held_why -> 0 ->> 'rule' as rule from plans where state = 'held'";
    expect((await house.pool.query(text)).rows).toEqual([
      { state: 'held', rule: 'allConnectionsPerDay' },
      { state: 'held', rule: 'allConnectionsPerDay' },
    ]);
  });
});
