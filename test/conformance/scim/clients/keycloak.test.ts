import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_GROUP, CORE_USER, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

const ACCEPT = {
  accept: 'application/scim+json',
  'content-type': 'application/scim+json; charset=UTF-8',
};

it('makes, replaces and deletes people by an extension that speaks SCIM', async () => {
  const sent = {
    schemas: [CORE_USER],
    externalId: '3f0e6c52-8a3b-4f0e-9d57-0c8a2f6b7e11',
    userName: 'ada',
    displayName: 'Ada Lovelace',
    name: { familyName: 'Lovelace', givenName: 'Ada' },
    active: true,
    emails: [{ primary: true, value: 'ada@acme.example' }],
    roles: [{ value: 'editor' }],
    meta: { resourceType: 'User' },
  };
  const made = await scene.acme.send('POST', '/Users', sent, ACCEPT);
  expect(made).toMatchObject({ status: 201, body: { roles: [{ value: 'editor' }] } });
  const put = await scene.acme.send(
    'PUT',
    `/Users/${made.body.id}`,
    { ...sent, roles: [] },
    ACCEPT,
  );
  expect(put.body).not.toHaveProperty('roles');
  const off = await scene.acme.send(
    'PUT',
    `/Users/${made.body.id}`,
    { ...sent, active: false },
    ACCEPT,
  );
  expect(off.body.active).toBe(false);
  expect((await scene.acme.delete(`/Users/${made.body.id}`, ACCEPT)).status).toBe(204);
});

it('searches by POST, and replaces groups whole', async () => {
  const user = await scene.acme.user('grace', { externalId: 'kc-2' });
  const search = await scene.acme.post('/Users/.search', {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
    filter: 'externalId eq "kc-2"',
    startIndex: 1,
    count: 10,
  });
  expect(search.body.Resources).toMatchObject([{ id: user }]);
  const { body: group } = await scene.acme.post('/Groups', {
    schemas: [CORE_GROUP],
    externalId: 'kcg',
    displayName: '/staff',
    members: [{ value: user, type: 'User', $ref: `${scene.url}/Users/${user}` }],
  });
  const put = await scene.acme.put(`/Groups/${group.id}`, {
    schemas: [CORE_GROUP],
    externalId: 'kcg',
    displayName: '/staff/all',
    members: [],
  });
  expect(put).toMatchObject({ status: 200, body: { displayName: '/staff/all' } });
  expect(put.body).not.toHaveProperty('members');
});
