import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CORE_GROUP,
  CORE_USER,
  ENTERPRISE,
  ERROR,
  LIST,
  openScim,
  PATCH_OP,
  type ScimScene,
} from '../../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

/** What an app of the integration wizard posts for a person. */
function person(name: string) {
  return {
    schemas: [CORE_USER, ENTERPRISE],
    userName: `${name}@acme.example`,
    name: { givenName: name, familyName: 'Test' },
    emails: [{ primary: true, value: `${name}@acme.example`, type: 'work' }],
    displayName: `${name} Test`,
    locale: 'en-US',
    externalId: `00u${name}`,
    groups: [],
    password: '1mz050nq',
    active: true,
  };
}
const byName = (name: string) =>
  scene.acme.get(
    `/Users?filter=${encodeURIComponent(`userName eq "${name}@acme.example"`)}&startIndex=1&count=100`,
  );

describe('the published SCIM 2.0 specification tests', () => {
  it('Users: a page, with its shape', async () => {
    await scene.acme.post('/Users', person('first'));
    const { status, headers, body } = await scene.acme.get('/Users?count=1&startIndex=1');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/scim+json');
    expect(body.schemas).toContain(LIST);
    for (const name of ['itemsPerPage', 'startIndex', 'totalResults'])
      expect(typeof body[name]).toBe('number');
    const [user] = body.Resources;
    expect(user.id).toBeTruthy();
    expect(user.name.familyName).toBeTruthy();
    expect(user.name.givenName).toBeTruthy();
    expect(user.userName).toBeTruthy();
    expect(user.active).toBe(true);
    expect(user.emails[0].value).toBeTruthy();
    expect((await scene.acme.get(`/Users/${user.id}`)).body).toEqual(user);
  });

  it('a name that nobody has', async () => {
    const { status, body } = await byName('nobody');
    expect(status).toBe(200);
    expect(body).toMatchObject({ schemas: [LIST], totalResults: 0 });
  });

  it('an id that nobody has', async () => {
    const { status, body } = await scene.acme.get('/Users/010101001010101011001010101011');
    expect(status).toBe(404);
    expect(body.schemas).toEqual([ERROR]);
    expect(body.detail).toBeTruthy();
  });

  it('makes a user, finds them, and refuses them a second time', async () => {
    const sent = {
      schemas: [CORE_USER],
      userName: 'Runscope300@atko.com',
      name: { givenName: 'Run', familyName: 'Scope' },
      emails: [{ primary: true, value: 'Runscope300@atko.com', type: 'work' }],
      displayName: 'Run Scope',
      active: true,
    };
    const made = await scene.acme.post('/Users', sent);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      active: true,
      name: sent.name,
      userName: sent.userName,
      schemas: [CORE_USER],
    });
    expect(made.body.id).toBeTruthy();
    const again = await scene.acme.post('/Users', sent);
    expect(again).toMatchObject({ status: 409, body: { schemas: [ERROR], status: '409' } });
    const found = await scene.acme.get(
      `/Users?filter=userName eq "${sent.userName.toUpperCase()}"`,
    );
    expect(found.body.totalResults).toBe(1);
  });

  it('Groups, and no entry without a token', async () => {
    const { status, body } = await scene.acme.get('/Groups');
    expect(status).toBe(200);
    expect(body.schemas).toContain(LIST);
    const { status: refused, body: error } = await scene.client('wrong').get('/Users');
    expect(refused).toBe(401);
    expect(error.schemas).toEqual([ERROR]);
  });
});

describe('an app of the integration wizard, which PUTs', () => {
  it('looks, makes, changes, deactivates and reactivates', async () => {
    expect((await byName('ada')).body.totalResults).toBe(0);
    const { status, body: made } = await scene.acme.post('/Users', person('ada'));
    expect(status).toBe(201);
    const put = (more: object) =>
      scene.acme.put(`/Users/${made.id}`, { ...made, groups: [], ...more });
    expect(
      (await put({ displayName: 'Changed', meta: { resourceType: 'User' } })).body.displayName,
    ).toBe('Changed');
    expect((await put({ active: false })).body.active).toBe(false);
    expect((await byName('ada')).body.Resources).toMatchObject([{ id: made.id, active: false }]);
    expect((await put({ active: true, password: 'new' })).body).toMatchObject({
      id: made.id,
      active: true,
      externalId: '00uada',
    });
  });
});

describe('an app of the catalogue, which PATCHes', () => {
  it('deactivates by an object without a path', async () => {
    const { body: made } = await scene.acme.post('/Users', person('bob'));
    const off = await scene.acme.patch(`/Users/${made.id}`, [
      { op: 'replace', value: { active: false } },
    ]);
    expect(off).toMatchObject({ status: 200, body: { active: false } });
    const on = await scene.acme.patch(`/Users/${made.id}`, [
      { op: 'replace', value: { active: true } },
    ]);
    expect(on.body.active).toBe(true);
  });
});

describe('group push', () => {
  it('makes, fills, renames and removes a group', async () => {
    const { body: one } = await scene.acme.post('/Users', person('carol'));
    const { body: two } = await scene.acme.post('/Users', person('dave'));
    const { status, body: made } = await scene.acme.post('/Groups', {
      schemas: [CORE_GROUP],
      displayName: 'BI-Analysts',
      members: [],
    });
    expect(status).toBe(201);
    const send = (...Operations: object[]) =>
      scene.acme.send('PATCH', `/Groups/${made.id}`, { schemas: [PATCH_OP], Operations });
    expect(
      (
        await send({
          op: 'add',
          path: 'members',
          value: [
            { value: one.id, display: one.userName },
            { value: two.id, display: two.userName },
          ],
        })
      ).status,
    ).toBe(204);
    expect((await scene.acme.get(`/Groups/${made.id}`)).body.members).toHaveLength(2);
    expect((await send({ op: 'remove', path: `members[value eq "${one.id}"]` })).status).toBe(204);
    await send({ op: 'replace', value: { id: made.id, displayName: 'BI-Renamed' } });
    await send({
      op: 'replace',
      path: 'members',
      value: [{ value: one.id, display: one.userName }],
    });
    const { body } = await scene.acme.get(`/Groups/${made.id}`);
    expect(body).toMatchObject({ displayName: 'BI-Renamed', members: [{ value: one.id }] });
    expect(
      (await scene.acme.get('/Groups?filter=displayName eq "BI-Renamed"&startIndex=1&count=100'))
        .body.totalResults,
    ).toBe(1);
    expect((await scene.acme.delete(`/Groups/${made.id}`)).status).toBe(204);
  });

  it('PUTs a whole group', async () => {
    const { body: one } = await scene.acme.post('/Users', person('erin'));
    const id = await scene.acme.group('Put');
    const put = await scene.acme.put(`/Groups/${id}`, {
      schemas: [CORE_GROUP],
      id,
      displayName: 'Put',
      members: [{ value: one.id, display: one.userName }],
    });
    expect(put).toMatchObject({ status: 200, body: { members: [{ value: one.id }] } });
  });
});

it('imports everybody, page by page', async () => {
  const seen = new Set<string>();
  let total = 1;
  for (let startIndex = 1; startIndex <= total; startIndex += 3) {
    const { body } = await scene.acme.get(`/Users?startIndex=${startIndex}&count=3`);
    total = body.totalResults;
    for (const { id } of body.Resources) seen.add(id);
  }
  expect(seen.size).toBe(total);
});
