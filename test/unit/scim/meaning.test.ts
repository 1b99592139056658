import { maskedPath, targetOf } from '@rollcall/jit-auth/scim/log/masked-path';
import { meaningOf } from '@rollcall/jit-auth/scim/log/meaning';
import { describe, expect, it } from 'vitest';

const ID = '2819c223-7f76-453a-919d-413861904646';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

function meant(
  method: string,
  path: string,
  { body, filter, answer = null }: { body?: unknown; filter?: string; answer?: object | null } = {},
): string {
  const query = new Map(filter === undefined ? [] : [['filter', filter]]);
  return meaningOf({ method, path, query, body }, answer);
}

const patched = (kind: 'Users' | 'Groups', ...Operations: object[]) =>
  meant('PATCH', `/${kind}/${ID}`, { body: { schemas: [PATCH], Operations } });

describe('what a request meant', () => {
  it.each([
    ['GET', '/ServiceProviderConfig', {}, 'Asks what this service can do.'],
    ['GET', '/Users', { answer: { totalResults: 12 } }, 'Lists users: 12 found.'],
    [
      'GET',
      '/Users',
      { filter: 'userName eq "ada@acme.example"', answer: { totalResults: 0 } },
      'Looks for users by userName: 0 found.',
    ],
    [
      'GET',
      '/Users',
      { filter: 'emails[type eq "work" and value co "ada"] or not (active eq true)' },
      'Looks for users by emails and active.',
    ],
    [
      'GET',
      '/Users',
      { filter: 'ada eq ada@' },
      'Looks for users by a filter that cannot be read.',
    ],
    ['GET', '/Users', { filter: 'ada eq "x"' }, 'Looks for users by an attribute that is none.'],
    ['GET', `/Users/${ID}`, {}, 'Reads the user.'],
    ['POST', '/Users', { body: { userName: 'ada' } }, 'Creates a user.'],
    ['POST', '/Users', { body: { Active: 'False' } }, 'Creates a user without access.'],
    ['PUT', `/Users/${ID}`, { body: { active: true } }, 'Replaces the user, with access.'],
    [
      'PUT',
      `/Users/${ID}`,
      { body: { active: false } },
      'Replaces the user, without access: access ends.',
    ],
    ['DELETE', `/Users/${ID}`, {}, 'Deletes the user: access ends.'],
    ['POST', '/Groups', { body: { members: [{}, {}] } }, 'Creates a group with 2 members.'],
    ['PUT', `/Groups/${ID}`, { body: {} }, 'Replaces the group.'],
    ['POST', '/Users/.search', { body: { filter: 'title pr' } }, 'Looks for users by title.'],
    ['POST', '/.search', { body: {} }, 'Lists everything.'],
    ['GET', '/Nothing', {}, 'Asks for what is not there.'],
    [
      'POST',
      '/Bulk',
      {
        body: { Operations: [{}, {}, {}] },
        answer: { Operations: [{ status: '201' }, { status: '409' }] },
      },
      'Does 3 things at once: 1 carried out, 1 refused.',
    ],
  ] as const)('%s %s %j', (method, path, more, sentence) => {
    expect(meant(method, path, more)).toBe(sentence);
  });

  it.each([
    [{ op: 'Replace', path: 'active', value: 'False' }, "Ends the user's access."],
    [{ op: 'replace', value: { active: true } }, 'Gives the user access.'],
    [
      { op: 'replace', value: { active: false, 'name.givenName': 'Ada', title: 'x' } },
      "Ends the user's access, changes name and title.",
    ],
    [{ op: 'add', path: 'emails[type eq "work"].value', value: 'a@b' }, 'Changes emails.'],
    [{ op: 'add', path: 'ada@acme.example', value: 1 }, 'Changes an attribute that is none.'],
    [{ op: 'explode' }, 'Changes the user in a way that cannot be read.'],
  ])('a user %j', (operation, sentence) => {
    expect(patched('Users', operation)).toBe(sentence);
  });

  it.each([
    [{ op: 'add', path: 'members', value: [{ value: ID }] }, 'Adds 1 member.'],
    [{ op: 'remove', path: `members[value eq "${ID}"]` }, 'Removes members by a filter.'],
    [{ op: 'remove', path: 'members' }, 'Removes all members.'],
    [{ op: 'replace', path: 'members', value: [] }, 'Removes all members.'],
    [{ op: 'replace', value: { displayName: 'x' } }, 'Changes displayName.'],
  ])('a group %j', (operation, sentence) => {
    expect(patched('Groups', operation)).toBe(sentence);
  });

  it('says no more than a few things of a PATCH that does a thousand', () => {
    const operation = { op: 'add', path: 'members', value: [{ value: ID }] };
    const many = Array.from({ length: 1_000 }, () => operation);
    expect(patched('Groups', ...many).length).toBeLessThan(250);
  });
});

it.each([
  [`/Users/${ID}`, `/Users/${ID}`, { kind: 'User', id: ID }],
  ['/Users/ada@acme.example', '/Users/…', null],
  ['/Users/Ada%20Lovelace/x/y', '/Users/…/…/…', null],
  ['/ada@acme.example', '/…', null],
  ['/Schemas/urn:ietf:params:scim:schemas:core:2.0:User', undefined, null],
  ['/ResourceTypes/ada@acme.example', '/ResourceTypes/…', null],
  [`/Groups/${ID.toUpperCase()}`, undefined, { kind: 'Group', id: ID }],
  ['', '/', null],
])('the path %s is written down as it may be', (path, shown, target) => {
  expect(maskedPath(path)).toBe(shown ?? path);
  expect(targetOf(path)).toEqual(target);
});
