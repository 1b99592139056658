import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CORE_GROUP,
  CORE_USER,
  ENTERPRISE,
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

const BASIC = 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group';
const find = (path: string, filter: string, more = '') =>
  scene.acme.get(`${path}?${more}filter=${encodeURIComponent(filter)}`);
const patch = (path: string, Operations: object[]) =>
  scene.acme.send('PATCH', path, { schemas: [PATCH_OP], Operations });

/** What the default mapping of attributes makes of a person. */
function person(name: string) {
  return {
    schemas: [CORE_USER, ENTERPRISE],
    externalId: `oid-${name}`,
    userName: `${name}@acme.example`,
    active: true,
    displayName: name,
    emails: [{ primary: true, type: 'work', value: `${name}@acme.example` }],
    meta: { resourceType: 'User' },
    name: { formatted: `${name} Test`, familyName: 'Test', givenName: name },
    phoneNumbers: [{ type: 'mobile', value: '+1 555' }],
    title: 'Engineer',
    preferredLanguage: 'en-US',
    roles: [],
    [ENTERPRISE]: { employeeNumber: '7', department: 'R&D', manager: 'oid-boss' },
  };
}

it('tests the connection by somebody who does not exist', async () => {
  const { status, body } = await find('/Users', 'userName eq "5d48a0a8e9f04aa38008"');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    schemas: [LIST],
    totalResults: 0,
    Resources: [],
    startIndex: 1,
    itemsPerPage: 0,
  });
});

it('makes a person, and finds them by what it matches with', async () => {
  const made = await scene.acme.post('/Users?aadOptscim062020', person('ada'));
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    active: true,
    title: 'Engineer',
    [ENTERPRISE]: { manager: { value: 'oid-boss' } },
  });
  expect(made.text).not.toContain('null');
  for (const filter of [
    'userName eq "ada@acme.example"',
    'externalId eq "oid-ada"',
    'emails[type eq "work"].value eq "Ada@acme.example"',
  ]) {
    expect((await find('/Users', filter)).body.Resources, filter).toMatchObject([
      { id: made.body.id },
    ]);
  }
});

describe('as it sends by default', () => {
  it('changes several attributes at once', async () => {
    const { body: made } = await scene.acme.post('/Users', person('bob'));
    const { status, body } = await patch(`/Users/${made.id}`, [
      { op: 'Replace', path: 'displayName', value: 'Bobby' },
      { op: 'Replace', path: 'name.familyName', value: 'Other' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'bobby@acme.example' },
      { op: 'Add', path: 'phoneNumbers[type eq "work"].value', value: '+1 556' },
      { op: 'Add', path: 'addresses[type eq "work"].formatted', value: 'Here' },
      {
        op: 'Add',
        path: `${ENTERPRISE}:manager`,
        value: [{ $ref: 'http://old/Users/2', value: '2' }],
      },
      { op: 'Replace', path: `${ENTERPRISE}:department`, value: 'Sales' },
      { op: 'Add', path: 'roles[primary eq "True"].value', value: 'editor' },
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      displayName: 'Bobby',
      name: { familyName: 'Other', givenName: 'bob' },
      emails: [{ type: 'work', primary: true, value: 'bobby@acme.example' }],
      phoneNumbers: [{ type: 'mobile' }, { type: 'work', value: '+1 556' }],
      addresses: [{ type: 'work', formatted: 'Here' }],
      roles: [{ primary: true, value: 'editor' }],
      [ENTERPRISE]: { department: 'Sales', manager: { value: '2' }, employeeNumber: '7' },
    });
  });

  it('disables by a text, and enables again', async () => {
    const { body: made } = await scene.acme.post('/Users', person('carol'));
    const off = await patch(`/Users/${made.id}`, [
      { op: 'Replace', path: 'active', value: 'False' },
    ]);
    expect(off.body.active).toBe(false);
    expect((await find('/Users', 'externalId eq "oid-carol"')).body.Resources).toMatchObject([
      { active: false },
    ]);
    const on = await patch(`/Users/${made.id}`, [{ op: 'Replace', path: 'active', value: 'True' }]);
    expect(on.body.active).toBe(true);
  });

  it('takes attributes away', async () => {
    const { body: made } = await scene.acme.post('/Users', person('dave'));
    const { body } = await patch(`/Users/${made.id}`, [
      { op: 'Remove', path: 'title' },
      { op: 'Remove', path: 'phoneNumbers[type eq "mobile"].value' },
      { op: 'Remove', path: `${ENTERPRISE}:manager` },
    ]);
    expect(body).not.toHaveProperty('title');
    expect(body).not.toHaveProperty('phoneNumbers');
    expect(body[ENTERPRISE]).not.toHaveProperty('manager');
  });

  it('pushes a group, and members in and out', async () => {
    const { body: user } = await scene.acme.post('/Users', person('eve'));
    const made = await scene.acme.post('/Groups', {
      schemas: [CORE_GROUP, BASIC],
      externalId: 'gid-1',
      displayName: 'Tours',
      meta: { resourceType: 'Group' },
    });
    expect(made.status).toBe(201);
    const id = made.body.id as string;
    const found = await find('/Groups', 'displayName eq "Tours"', 'excludedAttributes=members&');
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id, externalId: 'gid-1' }] });
    const added = await patch(`/Groups/${id}`, [
      { op: 'Add', path: 'members', value: [{ $ref: null, value: user.id }] },
    ]);
    expect(added).toMatchObject({ status: 204, text: '' });
    expect(
      (
        await find(
          '/Groups',
          `id eq "${id}" and members eq "${user.id}"`,
          'excludedAttributes=members&',
        )
      ).body.totalResults,
    ).toBe(1);
    await patch(`/Groups/${id}`, [{ op: 'Replace', path: 'displayName', value: 'Voyages' }]);
    const removed = await patch(`/Groups/${id}`, [
      { op: 'Remove', path: 'members', value: [{ $ref: null, value: user.id }] },
    ]);
    expect(removed.status).toBe(204);
    expect((await scene.acme.get(`/Groups/${id}`)).body).toMatchObject({ displayName: 'Voyages' });
    expect((await scene.acme.get(`/Groups/${id}`)).body).not.toHaveProperty('members');
    expect((await scene.acme.delete(`/Groups/${id}`)).status).toBe(204);
  });
});

describe('with aadOptscim062020', () => {
  it('changes by one object with dotted names and URNs', async () => {
    const { body: made } = await scene.acme.post('/Users?aadOptscim062020', person('frank'));
    const { status, body } = await patch(`/Users/${made.id}?aadOptscim062020`, [
      {
        op: 'replace',
        value: {
          displayName: 'Franky',
          'name.givenName': 'Franky',
          [`${ENTERPRISE}:department`]: 'Sales',
          active: true,
        },
      },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'franky@acme.example' },
      { op: 'add', path: 'phoneNumbers[type eq "fax"].value', value: '+1 9' },
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      displayName: 'Franky',
      name: { givenName: 'Franky', familyName: 'Test' },
      [ENTERPRISE]: { department: 'Sales', employeeNumber: '7' },
    });
    expect(body.emails[0].value).toBe('franky@acme.example');
  });

  it('disables by a boolean, in an object and by a path', async () => {
    const { body: made } = await scene.acme.post('/Users?aadOptscim062020', person('grace'));
    expect(
      (await patch(`/Users/${made.id}`, [{ op: 'replace', value: { active: false } }])).body.active,
    ).toBe(false);
    expect(
      (await patch(`/Users/${made.id}`, [{ op: 'replace', path: 'active', value: true }])).body
        .active,
    ).toBe(true);
  });

  it('removes members one by one, by a filter', async () => {
    const { body: user } = await scene.acme.post('/Users', person('heidi'));
    const id = await scene.acme.group('Filtered', [user.id]);
    expect(
      (
        await patch(`/Groups/${id}?aadOptscim062020`, [
          { op: 'remove', path: `members[value eq "${user.id}"]` },
        ])
      ).status,
    ).toBe(204);
    expect((await scene.acme.get(`/Groups/${id}`)).body).not.toHaveProperty('members');
  });
});

it('takes the empty PATCH of its validator for no change', async () => {
  const { body: made } = await scene.acme.post('/Users', person('ivan'));
  expect((await patch(`/Users/${made.id}`, [])).status).toBe(200);
});

it('deletes for good in the end, and makes the same person anew', async () => {
  const { body: made } = await scene.acme.post('/Users', person('judy'));
  await patch(`/Users/${made.id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
  expect((await scene.acme.delete(`/Users/${made.id}`)).status).toBe(204);
  expect((await find('/Users', 'externalId eq "oid-judy"')).body.totalResults).toBe(0);
  const again = await scene.acme.post('/Users', person('judy'));
  expect(again).toMatchObject({ status: 201, body: { id: made.id, active: true } });
});
