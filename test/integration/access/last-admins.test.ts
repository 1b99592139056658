import { randomUUID } from 'node:crypto';
import { grantsOf } from '@rollcall/shared/db/users';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  admit,
  assertion,
  OPERATOR,
  openScene,
  run,
  type Scene,
  SWEEP,
  signInOf,
  step,
} from './people.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

async function admins(count: number) {
  const people = [];
  for (let i = 0; i < count; i++) {
    people.push((await admit(scene, `admin-${randomUUID()}`, ['admin', 'analyst'], i)).user);
  }
  return people;
}

async function holders(): Promise<number> {
  const rows = await scene.pool.query(
    "select count(*)::int as n from users u join grants g on g.user_id = u.id where g.role = 'admin' and u.state = 'active'",
  );
  return rows.rows[0].n;
}

describe('the last admins stay', () => {
  it('when the sweep would take the last two', async () => {
    const [one, two, three] = await admins(3);
    expect(await run(scene, step('deactivate', one!.id), SWEEP, 10)).toMatchObject({
      kind: 'applied',
    });
    expect(await run(scene, step('deactivate', two!.id), SWEEP, 11)).toMatchObject({
      code: 'last_admin',
    });
    expect(await run(scene, step('deactivate', three!.id), SWEEP, 12)).toMatchObject({
      code: 'last_admin',
    });
  });

  it('when an operator would take the last one', async () => {
    const [one, two] = await admins(2);
    expect(await run(scene, step('deactivate', one!.id), OPERATOR, 10)).toMatchObject({
      kind: 'applied',
    });
    expect(await run(scene, step('deactivate', two!.id), OPERATOR, 11)).toMatchObject({
      code: 'last_admin',
    });
  });

  it('when their own sign-in no longer asserts the group: the role is kept, the rest goes', async () => {
    const [one] = await admins(2);
    const outcome = await run(scene, signInOf(one!.subject, ['editor'], 60), assertion(), 60);
    expect(outcome).toMatchObject({ kind: 'applied', roles: ['admin', 'editor'], kept: ['admin'] });
  });

  it('and a last admin whose sign-in asserts nothing at all still comes in, with that role alone', async () => {
    const [one] = await admins(1);
    const outcome = await run(scene, signInOf(one!.subject, [], 60), assertion(), 60);
    expect(outcome).toMatchObject({ kind: 'applied', roles: ['admin'] });
  });

  it.each([2, 3, 5])('when %i are taken at once by sweeps, two remain', async (count) => {
    const people = await admins(count);
    await Promise.all(people.map((user) => run(scene, step('deactivate', user.id), SWEEP, 10)));
    expect(await holders()).toBe(2);
  });

  it('when a demotion at sign-in and a sweep run at once, round after round', async () => {
    for (let round = 0; round < 25; round++) {
      const people = await admins(Math.max(0, 3 - (await holders())));
      const all = people.length === 0 ? await admins(1) : people;
      await Promise.all(
        all.map((user, i) =>
          i % 2 === 0
            ? run(scene, step('deactivate', user.id), SWEEP, 10 + round)
            : run(scene, signInOf(user.subject, ['analyst'], 20 + round), assertion(), 20 + round),
        ),
      );
      expect(await holders()).toBeGreaterThanOrEqual(2);
    }
  });

  it('keeps the grants of a deactivated admin for the day of return', async () => {
    const [one] = await admins(3);
    await run(scene, step('deactivate', one!.id), SWEEP, 10);
    expect((await grantsOf(scene.db, one!.id)).map((g) => g.role)).toEqual(['admin', 'analyst']);
  });
});
