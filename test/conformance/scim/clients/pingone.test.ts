import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_GROUP, CORE_USER, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

const sent = {
  schemas: [CORE_USER],
  userName: 'ada',
  externalId: '2a7b9f0e-0a0c-4a57-9b0d-1b0f0f6b2c11',
  active: true,
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  emails: [{ value: 'ada@acme.example', type: 'Work', primary: true }],
  phoneNumbers: [{ value: '+1 555', type: 'Mobile' }],
};

it('looks a person up by the filter that it was configured with, makes and replaces them', async () => {
  for (const filter of [
    'username Eq "ada"',
    'userName eq "ada"',
    'emails.value eq "ada@acme.example"',
  ]) {
    expect(
      (await scene.acme.get(`/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults,
    ).toBe(0);
  }
  const { status, body: made } = await scene.acme.post('/Users', sent);
  expect(status).toBe(201);
  // Types in another case are the same types.
  const found = await scene.acme.get(
    `/Users?filter=${encodeURIComponent('emails[type eq "work"].value eq "ada@acme.example"')}`,
  );
  expect(found.body.Resources).toMatchObject([{ id: made.id }]);
  const put = await scene.acme.put(`/Users/${made.id}`, {
    ...sent,
    name: { givenName: 'Ada', familyName: 'King' },
  });
  expect(put.body.name.familyName).toBe('King');
  const off = await scene.acme.put(`/Users/${made.id}`, { ...sent, active: false });
  expect(off.body.active).toBe(false);
});

it('keeps members by PATCH, and by PUT where it is told to', async () => {
  const user = await scene.acme.user('grace');
  const { body: group } = await scene.acme.post('/Groups', {
    schemas: [CORE_GROUP],
    displayName: 'Ping',
  });
  await scene.acme.patch(`/Groups/${group.id}`, [
    { op: 'add', path: 'members', value: [{ value: user, type: 'User' }] },
  ]);
  expect((await scene.acme.get(`/Groups/${group.id}`)).body.members).toMatchObject([
    { value: user },
  ]);
  const put = await scene.acme.put(`/Groups/${group.id}`, {
    schemas: [CORE_GROUP],
    id: group.id,
    displayName: 'Ping',
    members: [],
  });
  expect(put.body).not.toHaveProperty('members');
});

it('deletes where removing is what it was configured to do', async () => {
  const user = await scene.acme.user('temporary');
  expect((await scene.acme.delete(`/Users/${user}`)).status).toBe(204);
});
