import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_GROUP, CORE_USER, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

it('reads what there is before it does anything', async () => {
  for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas']) {
    expect((await scene.acme.get(path)).status).toBe(200);
  }
});

it('aggregates accounts page by page, and one by one', async () => {
  const ids = await Promise.all(['a', 'b', 'c'].map((name) => scene.acme.user(name)));
  const first = await scene.acme.get('/Users?startIndex=1&count=2');
  expect(first.body).toMatchObject({ totalResults: 3, itemsPerPage: 2, startIndex: 1 });
  const second = await scene.acme.get('/Users?startIndex=3&count=2');
  expect(second.body).toMatchObject({ totalResults: 3, itemsPerPage: 1, startIndex: 3 });
  expect((await scene.acme.get(`/Users/${ids[0]}`)).body.userName).toBe('a');
});

it('enables, disables and changes by PATCH', async () => {
  const id = await scene.acme.user('patched');
  expect(
    (await scene.acme.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }])).body
      .active,
  ).toBe(false);
  const both = await scene.acme.patch(`/Users/${id}`, [
    { op: 'replace', path: 'active', value: true },
    {
      op: 'add',
      path: 'emails',
      value: [{ type: 'work', value: 'p@acme.example', primary: true }],
    },
    { op: 'replace', path: 'name.familyName', value: 'Changed' },
  ]);
  expect(both.body).toMatchObject({ active: true, name: { familyName: 'Changed' } });
});

it('makes nobody of whom a group names before they are there', async () => {
  const stranger = '2819c223-7f76-453a-919d-413861904646';
  const id = await scene.acme.group('Early');
  const answer = await scene.acme.patch(`/Groups/${id}`, [
    { op: 'add', path: 'members', value: [{ value: stranger }] },
  ]);
  expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
  expect(answer.body.detail).toContain(stranger);
  expect((await scene.acme.get(`/Users/${stranger}`)).status).toBe(404);
});

it('gives entitlements through groups that are PUT', async () => {
  const { body: user } = await scene.acme.post('/Users', {
    schemas: [CORE_USER],
    userName: 'entitled',
    entitlements: [{ value: 'reports' }],
  });
  expect(user.entitlements).toEqual([{ value: 'reports' }]);
  const id = await scene.acme.group('Entitled');
  const put = await scene.acme.put(`/Groups/${id}`, {
    schemas: [CORE_GROUP],
    displayName: 'Entitled',
    members: [{ value: user.id, $ref: user.meta.location, type: 'User' }],
  });
  expect(put.body.members).toHaveLength(1);
});
