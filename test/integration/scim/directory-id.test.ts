import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_USER, openScim, type ScimScene } from '../../support/scim.ts';
import { signIn } from './sign-in.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim({
    more: (config) => {
      const [acme] = config.connections as Record<string, unknown>[];
      Object.assign(acme ?? {}, { directory_id: { attribute: 'oid' } });
    },
  });
});
afterAll(() => scene.close());

const subjectOf = async (id: string): Promise<string> => {
  const { rows } = await scene.fresh.pool.query('select subject from users where id = $1', [id]);
  return rows[0].subject;
};

it('knows by the id of the directory whom assertions name otherwise', async () => {
  const id = await scene.acme.user('ada', { externalId: 'oid-1' });
  expect(await subjectOf(id)).toBe(`scim:${id}`);
  const outcome = await signIn(scene.db, 'pairwise-1', {
    directoryId: 'oid-1',
    roles: ['analyst'],
  });
  expect(outcome).toMatchObject({ kind: 'applied', created: false, user: { id, owner: 'scim' } });
  expect(await subjectOf(id)).toBe('pairwise-1');
  // From then on the name is theirs, whatever the client calls them.
  await scene.acme.patch(`/Users/${id}`, [
    { op: 'replace', path: 'externalId', value: 'oid-other' },
  ]);
  expect(
    await signIn(scene.db, 'pairwise-1', { directoryId: 'oid-1', roles: ['analyst'] }),
  ).toMatchObject({ kind: 'applied', user: { id } });
});

it('takes over whom a sign-in made known by the same id of the directory', async () => {
  const first = await signIn(scene.db, 'pairwise-2', { directoryId: 'oid-2', roles: ['analyst'] });
  const id = first.kind === 'applied' ? first.user.id : '';
  expect(await scene.acme.user('bob', { externalId: 'oid-2' })).toBe(id);
  expect(await subjectOf(id)).toBe('pairwise-2');
});

it('makes one of a request and a sign-in at once, by names that nobody can compare', async () => {
  for (let round = 0; round < 5; round++) {
    const oid = `oid-race-${round}`;
    const [post] = await Promise.all([
      scene.acme.post('/Users', { schemas: [CORE_USER], userName: oid, externalId: oid }),
      signIn(scene.db, `pairwise-race-${round}`, { directoryId: oid, roles: ['analyst'] }),
    ]);
    expect(post.status).toBe(201);
    const { rows } = await scene.fresh.pool.query(
      'select id, owner, subject from users where directory_id = $1',
      [oid],
    );
    expect(rows).toEqual([{ id: post.body.id, owner: 'scim', subject: `pairwise-race-${round}` }]);
  }
});

it('binds an id that comes later to whoever has not signed in yet', async () => {
  const id = await scene.acme.user('late');
  expect(
    await signIn(scene.db, 'pairwise-3', {
      directoryId: 'oid-3',
      provisioning: 'scim',
      roles: ['analyst'],
    }),
  ).toMatchObject({ code: 'not_provisioned' });
  await scene.acme.patch(`/Users/${id}`, [{ op: 'add', path: 'externalId', value: 'oid-3' }]);
  expect(
    await signIn(scene.db, 'pairwise-3', {
      directoryId: 'oid-3',
      provisioning: 'scim',
      roles: ['analyst'],
    }),
  ).toMatchObject({ kind: 'applied', user: { id } });
});
