import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approveListing } from '@rollcall/sweeper/plan/approve-listing';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { afterEach, expect, it } from 'vitest';
import { ACME } from '../access/people.ts';
import { type House, names } from '../sweeper/house.ts';
import { CROWD, expectUntouched, openSettled } from './incident.ts';

/** The guard itself was what failed: it was raised, or switched off, or it threw work away. */
let house: House;
afterEach(() => house.drop());

it('Entra Connect and the retailer: real leavers by the thousand go without the guard being switched off', async () => {
  const crowd = names('p', 60);
  house = await openSettled(crowd);
  const leavers = crowd.slice(0, 9);
  house.directory.dismiss(...leavers);
  // The listing has shrunk by more than a tenth: somebody says that this is its size now.
  const shrunk = await house.sweep(10);
  expect(shrunk).toMatchObject({ state: 'incomplete', code: 'listing.shrunk' });
  const size = { connectionId: ACME, runId: shrunk.runId, rows: 51 };
  await approveListing(
    house.db,
    { ...size, approver: 'oda', reason: 'the shops were sold' },
    house.sweepTime(11),
  );
  await house.sweep(20);
  const held = await house.sweep(30);
  expect(held).toMatchObject({ state: 'held' });
  await expectUntouched(house, crowd);
  const digest = held.waitingPlan?.digest ?? '';
  const now = house.sweepTime(31);
  const approval = { digest, approver: 'oda', people: 9, reason: 'the shops were sold' };
  await approvePlan(house.db, approval, now);
  const sweep = house.sweepOf();
  await applyPlan({ db: house.db, sweep, plan: digest, operator: 'oda', clock: () => now });
  const states = await house.states();
  expect(Object.keys(states).filter((name) => states[name] === 'deactivated')).toEqual(leavers);
  // The guard is as it was: the next nine wait again.
  house.directory.dismiss(...crowd.slice(9, 14));
  await house.sweep(40);
  expect(await house.sweep(50)).toMatchObject({ state: 'held' });
});

it('firezone PR#10898: usual churn never trips the guard, so nobody has a reason to raise it', async () => {
  const crowd = names('p', 60);
  house = await openSettled(crowd);
  // One leaves and one joins each working day, for two weeks.
  for (let day = 1; day <= 10; day++) {
    house.directory.dismiss(`p${String(day).padStart(3, '0')}`);
    await house.hire([`n${String(day).padStart(3, '0')}`], ['analysts'], day * 24 * 60 - 30);
    await house.sweep(day * 24 * 60);
    expect(await house.sweep(day * 24 * 60 + 10)).toMatchObject({
      state: 'applied',
      waitingPlan: null,
    });
  }
  const states = Object.values(await house.states());
  expect(states.filter((state) => state === 'deactivated')).toHaveLength(10);
});

it('baton RFC 0009: an error in the middle throws away the rest of the work', async () => {
  house = await openSettled();
  const leavers = ['p001', 'p002', 'p003'];
  for (const name of leavers) house.directory.set(name, { standing: 'disabled' });
  await house.pool.query(`create sequence fallen; create function fall() returns trigger language plpgsql as $$
    begin if new.state = 'deactivated' and nextval('fallen') > 1 then raise 'disk full'; end if; return new; end $$;
    create trigger fall before update on users for each row execute function fall()`);
  expect(await house.sweep(10)).toMatchObject({ code: 'internal' });
  await house.pool.query('drop trigger fall on users');
  await house.sweep(12);
  const states = await house.states();
  expect(Object.keys(states).filter((name) => states[name] === 'deactivated')).toEqual(leavers);
  for (const name of leavers) {
    const audits = (await house.auditOf(name)).filter((kind) => kind === 'user.deactivated');
    expect(audits, name).toHaveLength(1);
  }
  await expectUntouched(
    house,
    CROWD.filter((name) => !leavers.includes(name)),
  );
});
