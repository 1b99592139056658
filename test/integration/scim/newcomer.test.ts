import { registerTarget } from '@rollcall/shared/outbox/targets';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_USER, openScim, type ScimScene } from '../../support/scim.ts';
import { signIn } from './sign-in.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

async function rowsOf(statement: string, id: string): Promise<readonly Record<string, unknown>[]> {
  return (await scene.fresh.pool.query(statement, [id])).rows;
}
const post = (userName: string, more: object = {}) =>
  scene.acme.post('/Users', { schemas: [CORE_USER], userName, ...more });

it('is there with roles, audit and messages, in their order, to every target', async () => {
  await registerTarget(scene.db, 'app');
  const id = await scene.acme.user('edith', { externalId: 'e-1', roles: [{ value: 'editor' }] });
  expect(
    await rowsOf('select state, owner, version, subject from users where id = $1', id),
  ).toEqual([{ state: 'active', owner: 'scim', version: 2, subject: 'e-1' }]);
  expect(
    await rowsOf('select role, channel, because from grants where user_id = $1', id),
  ).toMatchObject([{ role: 'editor', channel: 'scim', because: [{ attributes: ['roles'] }] }]);
  expect(
    await rowsOf(
      `select kind, actor->>'token' as by, before->'roles' as before, after->'roles' as after,
              after->'version' as version, reference <> '' as told
         from audit_events where user_id = $1 order by id`,
      id,
    ),
  ).toEqual([
    { kind: 'user.created', by: 'test', before: null, after: [], version: 1, told: true },
    { kind: 'roles.changed', by: 'test', before: [], after: ['editor'], version: 2, told: true },
  ]);
  expect(
    await rowsOf(
      `select o.kind, o.payload->'roles' as roles, d.target
         from outbox o join outbox_deliveries d on d.outbox_id = o.id
        where o.user_id = $1 order by d.seq`,
      id,
    ),
  ).toEqual([
    { kind: 'user.created', roles: [], target: 'app' },
    { kind: 'roles.changed', roles: ['editor'], target: 'app' },
  ]);
});

it('without access has no role until there is access', async () => {
  const id = await scene.acme.user('idle', { active: false, roles: [{ value: 'editor' }] });
  expect(await rowsOf('select state, cause, version from users where id = $1', id)).toEqual([
    { state: 'deactivated', cause: 'scim', version: 1 },
  ]);
  expect(await rowsOf('select role from grants where user_id = $1', id)).toEqual([]);
  await scene.acme.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: true }]);
  expect(await rowsOf('select role from grants where user_id = $1', id)).toEqual([
    { role: 'editor' },
  ]);
});

it('is one person, however many ask at once, and a sign-in with them', async () => {
  for (let round = 0; round < 5; round++) {
    const externalId = `race-${round}`;
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => post(externalId, { externalId })),
      signIn(scene.db, externalId, { roles: ['analyst'] }).then(() => null),
    ]);
    const statuses = answers.flatMap((answer) => answer?.status ?? []);
    expect(statuses.toSorted()).toEqual([201, 409, 409, 409]);
    const people = await rowsOf('select owner from users where subject = $1', externalId);
    expect(people).toEqual([{ owner: 'scim' }]);
  }
});

it('whose name or id is taken leaves nothing behind', async () => {
  await scene.acme.user('taken', { externalId: 't-1' });
  const before = await scene.fresh.pool.query('select count(*) from users');
  expect((await post('TAKEN', { externalId: 't-2' })).body).toMatchObject({
    status: '409',
    scimType: 'uniqueness',
  });
  expect((await post('other', { externalId: 't-1' })).body).toMatchObject({
    scimType: 'uniqueness',
  });
  expect((await scene.fresh.pool.query('select count(*) from users')).rows).toEqual(before.rows);
});

/** Says something to every connection that the service may ask by. */
async function sayEverywhere(statement: string): Promise<void> {
  const { pool } = scene.fresh;
  const clients = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
  for (const client of clients) await client.query(statement);
  for (const client of clients) client.release();
}

it('is made step by step where a server reads as it did when a transaction began', async () => {
  await sayEverywhere("set default_transaction_isolation = 'repeatable read'");
  const asked = await scene.fresh.pool.query("select is_newcomer('acme', 'rr-1', null) as is_new");
  expect(asked.rows).toEqual([{ is_new: false }]);
  const externalId = 'rr-1';
  const [answer] = await Promise.all([
    post('rr', { externalId }),
    signIn(scene.db, externalId, { roles: ['analyst'] }),
  ]);
  expect(answer.status).toBe(201);
  expect(await rowsOf('select owner from users where subject = $1', externalId)).toEqual([
    { owner: 'scim' },
  ]);
  await sayEverywhere("set default_transaction_isolation = 'read committed'");
});

it('is made although a pooler has lost the statement', async () => {
  // On every connection at once, so that all of them know it.
  await Promise.all(Array.from({ length: 30 }, (_, index) => post(`before-the-loss-${index}`)));
  await sayEverywhere('deallocate all');
  expect((await post('after-the-loss')).status).toBe(201);
  expect((await post('and-later')).status).toBe(201);
});
