import { findUser } from '@rollcall/shared/db/users';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { admit } from '../access/people.ts';
import { type House, names, openHouse, RULES, rule } from '../sweeper/house.ts';

/** Old evidence that comes late. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const FINANCE = rule('finance', 'analysts', {
  when: { anyGroup: ['analysts'], allGroups: [], attributes: { title: ['treasurer'] } },
});

it('an older assertion that was held back brings no attribute back, nor a role by it', async () => {
  const roles = {
    mode: 'authoritative' as const,
    rules: [...RULES, FINANCE],
    aliases: new Map(),
    defaultRole: null,
  };
  const policy = { ...house.sweepOf().policy, roles };
  await house.hire(names('p', 30));
  const { user } = await admit(house, 'ada', ['analyst', 'finance'], 0, {
    groups: ['analysts'],
    attributes: new Map([['title', ['treasurer']]]),
  });
  house.directory.employ('ada', ['analysts']);
  await house.sweep(1, { policy });
  // Ada is no treasurer any more; but her browser has kept an answer from just before.
  await admit(house, 'ada', ['analyst'], 130, {
    groups: ['analysts'],
    attributes: new Map([['title', ['clerk']]]),
  });
  expect(await house.rolesOf('ada')).toEqual(['analyst']);
  await admit(house, 'ada', ['analyst', 'finance'], 120, {
    groups: ['analysts'],
    attributes: new Map([['title', ['treasurer']]]),
  });
  expect((await findUser(house.db, user.id))?.attributes.get('title')).toEqual(['clerk']);
  await house.sweep(30, { policy });
  expect(await house.rolesOf('ada')).toEqual(['analyst']);
});
