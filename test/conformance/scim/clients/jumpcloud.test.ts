import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  CORE_GROUP,
  CORE_USER,
  ENTERPRISE,
  openScim,
  type ScimScene,
} from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

it('tests with a user of its own, whom it disables', async () => {
  const sent = {
    schemas: [CORE_USER, ENTERPRISE],
    userName: 'jctest@acme.example',
    externalId: '5f9b',
    name: { givenName: 'Test', familyName: 'User' },
    emails: [{ value: 'jctest@acme.example', type: 'work', primary: true }],
    active: true,
    [ENTERPRISE]: { employeeNumber: '', costCenter: '' },
  };
  const { body: made } = await scene.acme.post('/Users', sent);
  expect(
    (await scene.acme.get('/Users?filter=userName eq "jctest@acme.example"')).body.totalResults,
  ).toBe(1);
  const put = await scene.acme.put(`/Users/${made.id}`, { ...sent, id: made.id, active: false });
  expect(put).toMatchObject({ status: 200, body: { active: false } });
});

it('changes members by lists of values, as Entra does', async () => {
  const [one, two] = [await scene.acme.user('one'), await scene.acme.user('two')];
  const { body: group } = await scene.acme.post('/Groups', {
    schemas: [CORE_GROUP],
    displayName: 'Jump',
    members: [],
  });
  const patch = (op: string, ...people: string[]) =>
    scene.acme.patch(`/Groups/${group.id}`, [
      { op, path: 'members', value: people.map((value) => ({ value })) },
    ]);
  expect((await patch('add', one, two)).status).toBe(204);
  expect((await patch('remove', one)).status).toBe(204);
  expect((await scene.acme.get(`/Groups/${group.id}`)).body.members).toMatchObject([
    { value: two },
  ]);
  await scene.acme.patch(`/Groups/${group.id}`, [
    { op: 'replace', path: 'displayName', value: 'Jumped' },
  ]);
  expect((await scene.acme.get('/Groups?filter=displayName eq "Jumped"')).body.totalResults).toBe(
    1,
  );
});
