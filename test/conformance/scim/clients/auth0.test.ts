import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_USER, ENTERPRISE, openScim, type ScimScene } from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

it('makes, PATCHes and PUTs people as clients do that were made for its SCIM endpoint', async () => {
  const sent = {
    schemas: [CORE_USER, ENTERPRISE],
    externalId: 'ext-1',
    userName: 'ada@acme.example',
    active: true,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ primary: true, value: 'ada@acme.example', type: 'work' }],
    phoneNumbers: [{ value: '+1 555', type: 'work' }],
    [ENTERPRISE]: { organization: 'Acme' },
  };
  const { body: made } = await scene.acme.post('/Users', sent);
  const path = `/Users/${made.id}`;
  const filters = [
    'externalId eq "ext-1"',
    'emails.value eq "ada@acme.example"',
    'name.familyName eq "Lovelace"',
    'userName eq "ada@acme.example" and active eq true',
  ];
  for (const filter of filters) {
    const { body } = await scene.acme.get(`/Users?filter=${encodeURIComponent(filter)}`);
    expect(body.Resources, filter).toMatchObject([{ id: made.id }]);
  }
  const patched = await scene.acme.patch(path, [
    { op: 'Replace', path: 'emails[primary eq true].value', value: 'ada@other.example' },
    { op: 'replace', path: `${ENTERPRISE}:organization`, value: 'Other' },
    { op: 'replace', path: 'active', value: 'false' },
  ]);
  expect(patched.body).toMatchObject({
    active: false,
    emails: [{ value: 'ada@other.example', primary: true, type: 'work' }],
    [ENTERPRISE]: { organization: 'Other' },
  });
  expect((await scene.acme.put(path, { ...sent, active: true })).body).toMatchObject({
    active: true,
    emails: [{ value: 'ada@acme.example' }],
  });
});
