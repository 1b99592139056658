import { after } from '@rollcall/shared/core/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit } from '../access/people.ts';
import { type House, names, openHouse } from '../sweeper/house.ts';

/** Ways to keep access that should have ended, or to get access that nobody gave. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const CROWD = names('p', 20);

async function settle(): Promise<void> {
  await house.hire(CROWD);
  await house.sweep(1);
}

describe('a leaver does not stay by', () => {
  it('being the only person of a connection, or the last: disabled is disabled', async () => {
    await house.hire(['ann']);
    await house.sweep(1);
    house.directory.set('ann', { standing: 'disabled' });
    for (const minute of [10, 20, 30]) await house.sweep(minute);
    expect(await house.stateOf('ann')).toBe('deactivated');
  });

  it('signing in while each sweep lists', async () => {
    await settle();
    house.directory.dismiss('p003');
    for (let minute = 10; minute < 200; minute += 15) {
      house.directory.onPage = async (page) => {
        if (page === 0) await admit(house, 'p003', ['analyst'], minute * 60 + 1);
      };
      // The look-ups and the decision come ten seconds after the sign-in.
      let calls = 0;
      await house.sweep(
        minute,
        {},
        {
          clock: () => after(house.sweepTime(minute), calls++ < 3 ? 0 : 10_000),
        },
      );
    }
    expect(await house.stateOf('p003')).not.toBe('active');
  });

  it('signing in while each sweep lists, though the directory calls them disabled', async () => {
    await settle();
    house.directory.set('p003', { standing: 'disabled' });
    for (let minute = 10; minute < 200; minute += 15) {
      house.directory.onPage = async (page) => {
        if (page === 0) await admit(house, 'p003', ['analyst'], minute * 60 + 1);
      };
      await house.sweep(minute);
    }
    expect(await house.stateOf('p003')).not.toBe('active');
  });

  it('one canary that cannot be looked up, when others can', async () => {
    await settle();
    house.directory.dismiss('p003');
    // The directory lists p000 and refuses to show it: an administrator's account, say.
    const lookUp = house.directory.lookUp.bind(house.directory);
    house.directory.lookUp = async (id) =>
      id === 'p000'
        ? { standing: 'unknown', groups: null, label: null, because: '403' }
        : lookUp(id);
    for (let minute = 10; minute < 200; minute += 15) await house.sweep(minute);
    expect(await house.stateOf('p003')).toBe('deactivated');
  });

  it('having been on the list of the protected once', async () => {
    await settle();
    await admit(house, 'p003', ['analyst'], 60, { protected: true });
    await house.sweep(2, { configuration: 'with p003 protected' });
    // Taken from the list, and gone from the directory: there is no next sign-in.
    house.directory.set('p003', { standing: 'disabled' });
    for (const minute of [10, 20, 30]) await house.sweep(minute, { configuration: 'without' });
    expect(await house.stateOf('p003')).toBe('deactivated');
  });
});

describe('nobody gets access by a listing alone:', () => {
  it('a privileged role for everybody is held', async () => {
    await settle();
    for (const name of CROWD) house.directory.set(name, { groups: ['analysts', 'admins'] });
    await house.sweep(10);
    const admins = await Promise.all(CROWD.map((name) => house.rolesOf(name)));
    expect(admins.filter((roles) => roles.includes('admin'))).toHaveLength(0);
  });

  it('the return of everybody who was ever removed is held', async () => {
    await settle();
    for (const [index, name] of CROWD.slice(0, 8).entries()) {
      house.directory.set(name, { standing: 'disabled' });
      await house.sweep(10 + index * 10);
    }
    expect(Object.values(await house.states()).filter((s) => s === 'deactivated')).toHaveLength(8);
    for (const name of CROWD) house.directory.set(name, { standing: 'present' });
    await house.sweep(2000);
    expect(Object.values(await house.states()).filter((s) => s === 'deactivated')).toHaveLength(8);
  });
});

describe('a restore that was broken off', () => {
  it('does not bring back, a day later, somebody who has left since', async () => {
    const crowd = names('p', 20);
    await house.hire(crowd);
    await house.sweep(1);
    for (const name of ['p001', 'p002']) house.directory.set(name, { standing: 'disabled' });
    await house.sweep(10);
    expect(await out()).toHaveLength(2);
    for (const name of ['p001', 'p002']) house.directory.set(name, { standing: 'present' });
    await house.pool.query(`create sequence broken_off; create function break_off() returns trigger language plpgsql as $$
    begin if new.state = 'active' and nextval('broken_off') > 1 then raise 'disk full'; end if; return new; end $$;
    create trigger break_off before update on users for each row execute function break_off()`);
    await house.sweep(20);
    await house.pool.query('drop trigger break_off on users');
    const left = (await out())[0] ?? '';
    house.directory.dismiss(left);
    house.directory.faults = { failAfterPages: { pages: 0, fault: 'request_failed' } };
    await house.sweep(20 * 60);
    expect(await house.stateOf(left)).toBe('deactivated');
  });
});

async function out(): Promise<string[]> {
  return Object.entries(await house.states())
    .filter(([, state]) => state === 'deactivated')
    .map(([name]) => name);
}
