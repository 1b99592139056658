import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_GROUP, CORE_USER, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

const user = (name: string) => ({
  schemas: [CORE_USER],
  userName: name,
  externalId: `uid-${name}`,
  name: { formatted: `${name} `, givenName: name, familyName: ' ' },
  displayName: name,
  photos: [],
  locale: null,
  active: true,
  emails: [{ value: `${name}@acme.example`, type: 'other', primary: true }],
});

it('asks what the service can do first', async () => {
  const { body } = await scene.acme.get('/ServiceProviderConfig');
  expect(body.patch.supported).toBe(true);
  expect(body.bulk.maxOperations).toBeGreaterThan(0);
});

it('makes a person, meets the one who is there, and replaces them', async () => {
  const { status, body: made } = await scene.acme.post('/Users', user('ada'));
  expect(status).toBe(201);
  expect((await scene.acme.post('/Users', user('ada'))).status).toBe(409);
  const found = await scene.acme.get(`/Users?filter=${encodeURIComponent('userName eq "ada"')}`);
  expect(found.body.Resources).toMatchObject([{ id: made.id }]);
  const put = await scene.acme.put(`/Users/${made.id}`, {
    ...user('ada'),
    id: made.id,
    active: false,
  });
  expect(put.body.active).toBe(false);
  expect((await scene.acme.delete(`/Users/${made.id}`)).status).toBe(204);
});

it('makes a group, and sends its id with the changes', async () => {
  const { body: person } = await scene.acme.post('/Users', user('grace'));
  const { body: group } = await scene.acme.post('/Groups', {
    schemas: [CORE_GROUP],
    externalId: 'pk-1',
    displayName: 'Staff',
    members: null,
  });
  const renamed = await scene.acme.patch(`/Groups/${group.id}`, [
    {
      op: 'replace',
      path: null,
      value: { schemas: [CORE_GROUP], externalId: 'pk-1', displayName: 'All staff', id: group.id },
    },
  ]);
  expect(renamed.status).toBe(204);
  await scene.acme.patch(`/Groups/${group.id}`, [
    { op: 'add', path: 'members', value: [{ value: person.id }] },
  ]);
  expect((await scene.acme.get(`/Groups/${group.id}`)).body).toMatchObject({
    displayName: 'All staff',
    members: [{ value: person.id }],
  });
  await scene.acme.patch(`/Groups/${group.id}`, [
    { op: 'remove', path: 'members', value: [{ value: person.id }] },
  ]);
  expect((await scene.acme.get(`/Groups/${group.id}`)).body).not.toHaveProperty('members');
});
