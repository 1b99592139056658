import { apply } from '@rollcall/shared/access/apply';
import { inTransaction, overPool } from '@rollcall/shared/db/database';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginIn, untilWaitingIn } from './pending.ts';
import {
  admit,
  assertion,
  at,
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

const begin = beginIn(() => scene);
const untilWaiting = untilWaitingIn(() => scene);

async function holders(): Promise<number> {
  const rows = await scene.pool.query<{ n: number }>(
    "select count(*)::int as n from users u join grants g on g.user_id = u.id where g.role = 'admin' and u.state = 'active'",
  );
  return rows.rows[0]?.n ?? -1;
}

describe('a privileged role that is given while its holder is being deactivated', () => {
  it('is counted by the next who takes one: one admin remains', async () => {
    const old = await admit(scene, 'old', ['admin'], 0);
    const rising = await admit(scene, 'rising', ['analyst'], 0);
    // The sign-in has given the role, and has not committed, when the deactivation looks.
    const given = begin(signInOf('rising', ['admin'], 10), assertion(), 10);
    await given.made;
    const first = begin(step('deactivate', rising.user.id), OPERATOR, 20);
    await untilWaiting(1);
    await given.commit();
    await first.made;
    // The deactivation has decided, and has not committed, when the other one asks.
    const second = begin(step('deactivate', old.user.id), OPERATOR, 21);
    await untilWaiting(1);
    expect(await first.commit()).toMatchObject({ kind: 'applied' });
    expect(await second.commit()).toMatchObject({ kind: 'refused', code: 'last_admin' });
    expect(await holders()).toBe(1);
  });

  it('is counted at a demotion by sign-in, too', async () => {
    for (const name of ['one', 'two']) await admit(scene, name, ['admin'], 0);
    await admit(scene, 'rising', ['analyst'], 0);
    const given = begin(signInOf('rising', ['admin'], 10), assertion(), 10);
    await given.made;
    const first = begin(signInOf('rising', ['analyst'], 11), assertion(), 11);
    await untilWaiting(1);
    await given.commit();
    await first.made;
    const second = begin(signInOf('one', ['analyst'], 12), assertion(), 12);
    await untilWaiting(1);
    expect(await first.commit()).toMatchObject({ roles: ['analyst'] });
    expect(await second.commit()).toMatchObject({ roles: ['admin', 'analyst'], kept: ['admin'] });
    expect(await holders()).toBe(2);
  });
});

describe('a server whose default isolation is stricter', () => {
  it.each(['repeatable read', 'serializable'])(
    '(%s) still lets whoever waited see what the one before took',
    async (isolation) => {
      const people = [];
      for (const name of ['one', 'two', 'three', 'four']) {
        people.push((await admit(scene, name, ['admin'], 0)).user);
      }
      const strict = new pg.Pool({
        connectionString: scene.url,
        options: `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`,
      });
      try {
        const db = overPool(strict);
        const outcomes = await Promise.all(
          people.map((user) =>
            inTransaction(db, (tx) => apply(tx, step('deactivate', user.id), SWEEP, at(10))),
          ),
        );
        expect(outcomes.filter(({ kind }) => kind === 'applied')).toHaveLength(2);
        expect(await holders()).toBe(2);
      } finally {
        await strict.end();
      }
    },
  );
});

describe('a role that becomes privileged by a change of configuration', () => {
  it('is guarded at once, though its grants were given before', async () => {
    const before = { privilegedRoles: new Set<string>() };
    await admit(scene, 'one', ['admin', 'analyst'], 0, before);
    const outcome = await run(scene, signInOf('one', ['analyst'], 60), assertion(), 60);
    expect(outcome).toMatchObject({ kind: 'applied', kept: ['admin'] });
  });
});
