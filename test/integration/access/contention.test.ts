import { randomUUID } from 'node:crypto';
import { grantsOf } from '@rollcall/shared/db/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playRounds } from './last-admin-rounds.ts';
import {
  admit,
  assertion,
  openScene,
  rolesSeen,
  run,
  type Scene,
  SWEEP,
  signInOf,
} from './people.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

describe('the last admins', () => {
  // `test:long` plays four times as many.
  it('stay, in 250 rounds of two to four transactions at once', {
    timeout: 120_000,
  }, async () => {
    await playRounds(scene, 250);
  });
});

describe('a demotion by a sweep and a sign-in at once', () => {
  it.each([
    ['the sign-in, where it is the later one', 110, ['analyst', 'editor']],
    ['the directory, where its listing is the later one', 90, ['analyst']],
  ] as const)('leave what the later evidence says: %s', async (_, issued, expected) => {
    for (let round = 0; round < 30; round++) {
      const { user } = await admit(scene, `u-${randomUUID()}`, ['analyst', 'editor'], 0);
      const enter = signInOf(user.subject, ['analyst', 'editor'], issued);
      await Promise.all([
        run(scene, rolesSeen(user.id, ['analyst'], 100), SWEEP, 120),
        run(scene, enter, assertion(), issued),
      ]);
      const roles = (await grantsOf(scene.db, user.id)).map((grant) => grant.role);
      expect({ round, roles }).toEqual({ round, roles: expected });
    }
  });
});
