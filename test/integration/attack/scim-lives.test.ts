import { apply } from '@rollcall/shared/access/apply';
import { toUserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScim, type ScimScene } from '../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim({
    more: (config) => {
      const [acme] = config.connections as Record<string, unknown>[];
      Object.assign(acme ?? {}, { domains: ['acme.example'] });
    },
  });
});
afterAll(() => scene.close());

const byAdmin = (kind: 'deactivate' | 'restore', id: string) => {
  const change = {
    kind,
    userId: toUserId(id),
    privilegedRoles: new Set(['admin']),
    expectedVersion: null,
    observedAt: null,
    reason: 'by_admin',
    evidence: {},
  };
  const actor = { kind: 'operator' as const, name: 'oda' };
  return inTransaction(scene.db, (tx) => apply(tx, change, actor, currentTime()));
};

async function rowOf(id: string) {
  const { rows } = await scene.fresh.pool.query('select * from users where id = $1', [id]);
  return rows[0];
}

async function grantsOf(id: string): Promise<string[]> {
  const { rows } = await scene.fresh.pool.query('select role from grants where user_id = $1', [id]);
  return rows.map(({ role }) => role);
}

const setActive = (id: string, value: boolean) =>
  scene.acme.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value }]);
const takeOut = (group: string, id: string) =>
  scene.acme.patch(`/Groups/${group}`, [{ op: 'remove', path: 'members', value: [{ value: id }] }]);

describe('nobody keeps a role of what was taken from them', () => {
  it('by two groups at once', async () => {
    for (let round = 0; round < 3; round++) {
      const id = await scene.acme.user(`groups-${round}`);
      const one = await scene.acme.group(`bi:one-${round}`, [id]);
      const other = await scene.acme.group(`bi:other-${round}`, [id]);
      await Promise.all([takeOut(one, id), takeOut(other, id)]);
      expect(await grantsOf(id)).toEqual([]);
    }
  });

  it('by a group and an attribute at once', async () => {
    for (let round = 0; round < 3; round++) {
      const id = await scene.acme.user(`attribute-${round}`, { roles: [{ value: 'editor' }] });
      const group = await scene.acme.group(`bi:beside-${round}`, [id]);
      const patch = [{ op: 'remove', path: 'roles' }];
      await Promise.all([takeOut(group, id), scene.acme.patch(`/Users/${id}`, patch)]);
      expect(await grantsOf(id)).toEqual([]);
    }
  });
});

describe('whom an administrator has shut out', () => {
  it('is not said to be inactive by a client that says something else', async () => {
    const id = await scene.acme.user('titled');
    await byAdmin('deactivate', id);
    const title = [{ op: 'add', path: 'title', value: 'Dr' }];
    expect((await scene.acme.patch(`/Users/${id}`, title)).body).toMatchObject({ active: false });
    const { body } = await scene.acme.get(`/Users/${id}`);
    const put = { schemas: body.schemas, userName: body.userName, nickName: 'T' };
    expect((await scene.acme.put(`/Users/${id}`, put)).body).toMatchObject({ active: false });
    expect(await byAdmin('restore', id)).toMatchObject({
      kind: 'applied',
      user: { state: 'active' },
    });
    expect((await scene.acme.get(`/Users/${id}`)).body).toMatchObject({ active: true });
  });

  it('is not shut out for ever where SCIM says inactive, too', async () => {
    const id = await scene.acme.user('twice');
    await byAdmin('deactivate', id);
    await setActive(id, false);
    expect((await setActive(id, true)).status).toBe(403);
    await byAdmin('restore', id);
    expect(await rowOf(id)).toMatchObject({ state: 'deactivated', cause: 'scim' });
    expect((await setActive(id, true)).status).toBe(200);
    expect(await rowOf(id)).toMatchObject({ state: 'active', cause: null });
  });

  it('comes back over SCIM, deleted there meanwhile', async () => {
    const externalId = 'deleted-meanwhile';
    const id = await scene.acme.user(externalId, { externalId });
    await byAdmin('deactivate', id);
    await scene.acme.delete(`/Users/${id}`);
    await byAdmin('restore', id);
    expect(await rowOf(id)).toMatchObject({ state: 'deactivated', cause: 'scim' });
    expect(await scene.acme.user(externalId, { externalId })).toBe(id);
    expect(await rowOf(id)).toMatchObject({ state: 'active' });
  });
});

it('an address of a domain that is not the connection’s comes in by no detour', async () => {
  const id = await scene.acme.user('detour', { emails: [{ value: 'a@acme.example' }] });
  const emails = [{ value: 'ceo@globex.example' }];
  const both = [{ op: 'replace', value: { active: false, emails } }];
  expect((await scene.acme.patch(`/Users/${id}`, both)).status).toBe(200);
  expect((await setActive(id, true)).status).toBe(400);
  expect(await rowOf(id)).toMatchObject({ state: 'deactivated' });
});

it('who comes back without a privileged role is not kept out because few have it', async () => {
  const ids: string[] = [];
  for (const n of [1, 2, 3]) {
    ids.push(await scene.acme.user(`admin-${n}`, { externalId: `admin-${n}` }));
  }
  await scene.acme.group('BI-Admins', ids);
  const [first = '', second = '', third = ''] = ids;
  expect((await scene.acme.delete(`/Users/${third}`)).status).toBe(204);
  expect(await byAdmin('deactivate', second)).toMatchObject({ kind: 'applied' });
  expect(await scene.acme.user('admin-3', { externalId: 'admin-3' })).toBe(third);
  expect(await grantsOf(third)).toEqual([]);
  expect((await setActive(first, false)).status).toBe(403);
});
