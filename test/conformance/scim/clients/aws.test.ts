import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_GROUP, CORE_USER, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

// What is written for the SCIM endpoint of IAM Identity Center, and pointed here.
const find = (path: string, filter: string) =>
  scene.acme.get(`${path}?filter=${encodeURIComponent(filter)}`);

it('makes people with all that it requires, and finds them by name and external id', async () => {
  const { status, body: made } = await scene.acme.post('/Users', {
    schemas: [CORE_USER],
    userName: 'ada@acme.example',
    externalId: 'g-1',
    name: { familyName: 'Lovelace', givenName: 'Ada' },
    displayName: 'Ada Lovelace',
    active: true,
    emails: [{ value: 'ada@acme.example', type: 'work', primary: true }],
    addresses: [{ type: 'work' }],
  });
  expect(status).toBe(201);
  expect((await find('/Users', 'userName eq "ada@acme.example"')).body.Resources).toMatchObject([
    { id: made.id },
  ]);
  expect((await find('/Users', 'externalId eq "g-1"')).body.Resources).toMatchObject([
    { id: made.id },
  ]);
  const put = await scene.acme.put(`/Users/${made.id}`, { ...made, displayName: 'Ada L.' });
  expect(put.body.displayName).toBe('Ada L.');
});

it('changes members by PATCH alone, and asks whether somebody is one', async () => {
  const user = await scene.acme.user('grace');
  const { body: group } = await scene.acme.post('/Groups', {
    schemas: [CORE_GROUP],
    displayName: 'Admins of AWS',
    members: [],
  });
  expect((await find('/Groups', 'displayName eq "Admins of AWS"')).body.totalResults).toBe(1);
  const isMember = async () =>
    (await find('/Groups', `id eq "${group.id}" and members eq "${user}"`)).body.totalResults;
  expect(await isMember()).toBe(0);
  await scene.acme.patch(`/Groups/${group.id}`, [
    { op: 'add', path: 'members', value: [{ value: user }] },
  ]);
  expect(await isMember()).toBe(1);
  await scene.acme.patch(`/Groups/${group.id}`, [
    { op: 'remove', path: 'members', value: [{ value: user }] },
  ]);
  expect(await isMember()).toBe(0);
});

it('walks through everybody by cursors', async () => {
  const first = await scene.acme.get('/Users?cursor&count=1');
  expect(first.body.Resources).toHaveLength(1);
  const next = await scene.acme.get(`/Users?cursor=${first.body.nextCursor}&count=1`);
  expect(next.body.Resources[0].id).not.toBe(first.body.Resources[0].id);
  expect(next.body).not.toHaveProperty('nextCursor');
});
