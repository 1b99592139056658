import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_USER, ENTERPRISE, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

// It sends no User-Agent worth the name.
const PLAIN = { 'user-agent': '', 'content-type': 'application/scim+json' };

it('looks, makes, changes and disables a person', async () => {
  const lookUp = await scene.acme.get('/Users?filter=userName%20eq%20%22ada%40acme.example%22', {
    'user-agent': '',
  });
  expect(lookUp.body.totalResults).toBe(0);
  const sent = {
    schemas: [CORE_USER, ENTERPRISE],
    userName: 'ada@acme.example',
    externalId: '12345',
    name: { givenName: 'Ada', familyName: 'Lovelace', formatted: 'Ada Lovelace' },
    displayName: 'Ada Lovelace',
    emails: [{ value: 'ada@acme.example', type: 'work', primary: true }],
    [ENTERPRISE]: { department: null, manager: null },
    active: true,
  };
  const made = await scene.acme.send('POST', '/Users', sent, PLAIN);
  expect(made.status).toBe(201);
  expect(made.body).not.toHaveProperty(ENTERPRISE);
  const path = `/Users/${made.body.id}`;
  const put = await scene.acme.send(
    'PUT',
    path,
    { ...sent, id: made.body.id, title: 'Countess' },
    PLAIN,
  );
  expect(put).toMatchObject({ status: 200, body: { title: 'Countess' } });
  const off = await scene.acme.send('PUT', path, { ...sent, active: false }, PLAIN);
  expect(off.body.active).toBe(false);
  expect((await scene.acme.delete(path)).status).toBe(204);
});

it('puts people into groups, and takes them out, by PATCH of the group', async () => {
  const user = await scene.acme.user('grace@acme.example', { externalId: '2' });
  const id = await scene.acme.group('Engineering');
  await scene.acme.patch(
    `/Groups/${id}`,
    [{ op: 'add', path: 'members', value: [{ value: user }] }],
    PLAIN,
  );
  expect((await scene.acme.get(`/Users/${user}`)).body.groups).toMatchObject([{ value: id }]);
  await scene.acme.patch(
    `/Groups/${id}`,
    [{ op: 'remove', path: `members[value eq "${user}"]` }],
    PLAIN,
  );
  expect((await scene.acme.get(`/Users/${user}`)).body).not.toHaveProperty('groups');
});
