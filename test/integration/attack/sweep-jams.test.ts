import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { countPeopleWaiting } from '@rollcall/sweeper/plan/plan-head';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type House, names, openHouse } from '../sweeper/house.ts';

/** Ways to jam the sweep, so that it takes nothing from anybody any more. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());
const CROWD = names('p', 20);

describe('one of the last admins, who has to stay,', () => {
  it('does not hold the roles of everybody else, nor fill the audit trail', async () => {
    await house.hire(CROWD, ['analysts', 'editors']);
    await house.hire(['a1', 'a2'], ['analysts', 'admins']);
    await house.sweep(1);
    house.directory.set('a1', { groups: ['analysts'] });
    await house.sweep(10);
    expect(await house.rolesOf('a1')).toEqual(['admin', 'analyst']);
    house.directory.set('p005', { groups: ['analysts'] });
    for (let minute = 20; minute < 200; minute += 15) await house.sweep(minute);
    const kept = (await house.auditOf('a1')).filter((kind) => kind === 'roles.kept').length;
    expect({ p005: await house.rolesOf('p005'), kept }).toEqual({ p005: ['analyst'], kept: 1 });
  });

  it('two of them, does not hold everybody who is disabled', async () => {
    await house.hire(CROWD);
    await house.hire(['a1', 'a2'], ['analysts', 'admins']);
    await house.sweep(1);
    house.directory.set('a1', { standing: 'disabled' });
    house.directory.set('a2', { standing: 'disabled' });
    house.directory.set('p005', { standing: 'disabled' });
    for (let day = 0; day < 10; day++) {
      const swept = await house.sweep(10 + day * 24 * 60);
      if (swept.state !== 'held' || swept.waitingPlan === null) continue;
      const now = house.sweepTime(11 + day * 24 * 60);
      const { digest, runId } = swept.waitingPlan;
      if (day === 0) {
        await approvePlan(
          house.db,
          { digest, approver: 'o', people: await countPeopleWaiting(house.db, runId), reason: 'x' },
          now,
        );
        await applyPlan({
          db: house.db,
          sweep: house.sweepOf(),
          plan: runId,
          operator: 'o',
          clock: () => now,
        });
        expect(await house.stateOf('p005')).toBe('deactivated');
        house.directory.set('p006', { standing: 'disabled' });
      }
    }
    expect(await house.stateOf('p006')).toBe('deactivated');
  });
});

describe('a worker whose clock was a year ahead once', () => {
  it('does not leave every later sweep with nothing but a plan', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    await house.sweep(365 * 24 * 60, { configuration: 'that of the other worker' });
    house.directory.set('p000', { standing: 'disabled' });
    for (const minute of [10, 25]) await house.sweep(minute);
    expect(await house.stateOf('p000')).toBe('deactivated');
  });
});

describe('a directory whose scope changes with every listing (a token that rotates)', () => {
  it('does not switch off the comparison with the size of the last listing', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.scope = 'a token that sees less';
    house.directory.faults = { half: true };
    expect(await house.sweep(10)).toMatchObject({ partialReason: 'shrunk' });
    expect(await house.sweep(20)).toMatchObject({ partialReason: 'shrunk' });
  });
});
