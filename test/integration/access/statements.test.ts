import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginIn, untilWaitingIn } from './pending.ts';
import { admit, assertion, openScene, run, type Scene, signInOf } from './people.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

const begin = beginIn(() => scene);
const untilWaiting = untilWaitingIn(() => scene);

/** What is sent to the server while `work` runs, one text for each round trip. */
async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const sent: string[] = [];
  const listen = (client: { query: (...args: never[]) => unknown }) => {
    const { query } = client;
    client.query = (...args: never[]) => {
      const [first] = args as unknown as [string | { text: string }];
      sent.push(typeof first === 'string' ? first : first.text);
      return query.apply(client, args);
    };
    undo.push(() => {
      client.query = query;
    });
  };
  const undo: (() => void)[] = [];
  scene.pool.on('acquire', listen as never);
  try {
    await work();
  } finally {
    scene.pool.off('acquire', listen as never);
    for (const restore of undo) restore();
  }
  return sent;
}

describe('a sign-in takes few round trips', () => {
  it('five for somebody known, whatever they hold', async () => {
    const roles = ['analyst', 'editor', 'finance', 'reader'];
    await admit(scene, 'ada', roles, 0);
    const same = await statementsOf(() => admit(scene, 'ada', roles, 10));
    expect(same, same.join('\n')).toHaveLength(5);
    const changed = await statementsOf(() => admit(scene, 'ada', ['analyst', 'writer'], 20));
    expect(changed, changed.join('\n')).toHaveLength(5);
  });

  it('seven for somebody new, one of which asks for a tombstone', async () => {
    const sent = await statementsOf(() => admit(scene, 'ada', ['analyst', 'editor'], 0));
    expect(sent, sent.join('\n')).toHaveLength(7);
  });
});

describe('what a sign-in read before it waited', () => {
  it('is read again: grants that were taken meanwhile are not written about as if held', async () => {
    await admit(scene, 'ada', ['analyst', 'editor'], 0);
    const taking = begin(signInOf('ada', ['analyst'], 10), assertion(), 10);
    await taking.made;
    const waiting = begin(signInOf('ada', ['analyst', 'editor'], 20), assertion(), 20);
    await untilWaiting(1);
    await taking.commit();
    await waiting.made;
    expect(await waiting.commit()).toMatchObject({ roles: ['analyst', 'editor'] });
    const { rows } = await scene.pool.query<{ payload: { gained: string[]; lost: string[] } }>(
      "select payload from outbox where kind = 'roles.changed' order by id",
    );
    expect(rows.map(({ payload }) => payload)).toMatchObject([
      { gained: [], lost: ['editor'] },
      { gained: ['editor'], lost: [] },
    ]);
  });

  it('is a stranger’s no longer where another first sign-in was quicker', async () => {
    const first = begin(signInOf('ada', ['analyst'], 10), assertion(), 10);
    const { kind } = await first.made;
    expect(kind).toBe('applied');
    const asked: string[] = [];
    const { session } = signInOf('ada', [], 11);
    const second = begin(
      signInOf('ada', ['analyst', 'editor'], 11, {
        // Another NameID for the same subject: only the row itself holds the second one up.
        session: { ...session, nameId: { ...session.nameId, value: 'ada-again' } },
        mappingOfNewcomer: () => {
          asked.push('newcomer');
          return signInOf('ada', ['newcomer'], 11).mapping;
        },
      }),
      assertion(),
      11,
    );
    await untilWaiting(1);
    await first.commit();
    await second.made;
    expect(await second.commit()).toMatchObject({ created: false, roles: ['analyst', 'editor'] });
    expect(asked).toEqual(['newcomer']);
  });
});

describe('groups', () => {
  it.each([
    ['the same', ['b', 'a'], ['b', 'a']],
    ['in another order', ['b', 'a'], ['a', 'b']],
    ['fewer', ['a', 'b'], ['a']],
    ['none', ['a'], []],
    ['the first ones', null, ['a', '"', ',', '{}', 'NULL', '', '\\', 'ä']],
    ['unknown now', ['a'], null],
  ])('are afterwards what was asserted last: %s', async (_, before, asserted) => {
    await admit(scene, 'ada', ['analyst'], 0, { groups: before });
    const { user } = await admit(scene, 'ada', ['analyst'], 10, { groups: asserted });
    const { rows } = await scene.pool.query('select groups from users where id = $1', [user.id]);
    const expected = asserted ?? before;
    expect(rows[0].groups).toEqual(expected);
    expect(user.groups).toEqual(expected);
  });
});

describe('a newcomer whom the rules do not let in', () => {
  it('leaves no user behind', async () => {
    const outcome = await run(
      scene,
      signInOf('eve', ['analyst'], 0, { mappingOfNewcomer: () => null }),
      assertion(),
      0,
    );
    expect(outcome).toEqual({ kind: 'refused', code: 'no_such_user', user: null });
    expect((await scene.pool.query('select from users')).rowCount).toBe(0);
  });
});
