import { readResource } from '@rollcall/jit-auth/scim/resource/read-resource';
import { GROUP } from '@rollcall/jit-auth/scim/schema/group';
import { USER } from '@rollcall/jit-auth/scim/schema/user';
import { describe, expect, it } from 'vitest';
import { ENTERPRISE } from './people.ts';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const read = (body: unknown) => readResource(body, USER);
const user = (more: object) => ({ schemas: [CORE], userName: 'ada', ...more });

describe('a user that was sent', () => {
  it.each<[string, object, object]>([
    ['names in any case', { DISPLAYNAME: 'Ada' }, { displayName: 'Ada' }],
    ['what the server writes', { id: 'x', meta: { version: 'y' }, groups: [{ value: 'g' }] }, {}],
    ['what the schema lacks', { favouriteColour: 'blue', 'urn:x:y:2.0:User': { a: 1 } }, {}],
    ['a password', { password: 'secret' }, {}],
    ['nulls', { title: null, emails: null, name: null, [ENTERPRISE]: null }, {}],
    ['what is empty', { emails: [], name: {}, [ENTERPRISE]: {} }, {}],
    [
      'values that are null',
      { emails: [null, { value: null }, { value: 'a' }] },
      { emails: [{ value: 'a' }] },
    ],
    [
      'the same value twice',
      {
        emails: [
          { value: 'a', type: 'x' },
          { type: 'x', value: 'a' },
        ],
      },
      { emails: [{ value: 'a', type: 'x' }] },
    ],
    [
      'booleans as texts',
      { active: 'True', emails: [{ value: 'a', primary: 'false' }] },
      { active: true, emails: [{ value: 'a', primary: false }] },
    ],
    [
      'a number for a text',
      { [ENTERPRISE]: { employeeNumber: 12 } },
      { [ENTERPRISE]: { employeeNumber: '12' } },
    ],
    ['roles as texts', { roles: ['a', 'b'] }, { roles: [{ value: 'a' }, { value: 'b' }] }],
    ['one role without a list', { roles: { value: 'a' } }, { roles: [{ value: 'a' }] }],
    ['names with a URN', { [`${CORE}:title`]: 'Dr' }, { title: 'Dr' }],
    [
      'parts that the schema lacks',
      { name: { givenName: 'A', x: 1 } },
      { name: { givenName: 'A' } },
    ],
  ])('%s', (_name, sent, kept) => {
    expect(read(user(sent))).toEqual({ userName: 'ada', ...kept });
  });
});

describe('what is no user', () => {
  it.each<[string, unknown, string]>([
    ['nothing', null, 'invalidSyntax'],
    ['a list', [], 'invalidSyntax'],
    ['no schemas', { userName: 'ada' }, 'invalidSyntax'],
    ['the schema of a group', { schemas: [GROUP.schema.id], userName: 'ada' }, 'invalidSyntax'],
    ['no userName', { schemas: [CORE] }, 'invalidValue'],
    ['an empty userName', user({ userName: '' }), 'invalidValue'],
    ['userName twice', user({ USERNAME: 'eve' }), 'invalidSyntax'],
    ['active twice', user({ active: false, Active: true }), 'invalidSyntax'],
    ['a userName that is a list of two', user({ userName: ['a', 'b'] }), 'invalidValue'],
    ['a name that is a text', user({ name: 'Ada' }), 'invalidValue'],
    ['an extension that is a text', user({ [ENTERPRISE]: 'x' }), 'invalidSyntax'],
    ['active as a word', user({ active: 'yes' }), 'invalidValue'],
    [
      'two primary e-mails',
      user({
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: 'True' },
        ],
      }),
      'invalidValue',
    ],
    ['a part twice', user({ name: { givenName: 'a', GIVENNAME: 'b' } }), 'invalidValue'],
    ['a text with NUL', user({ title: 'a\0b' }), 'invalidValue'],
    ['half a character', user({ title: '\ud800' }), 'invalidValue'],
  ])('%s', (_name, body, scimType) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ status: 400, scimType }));
  });
});

it('takes a group with a schema that is not ours beside the one that is', () => {
  const body = {
    schemas: [
      GROUP.schema.id,
      'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group',
    ],
    externalId: 'e-1',
    displayName: 'Tours',
    meta: { resourceType: 'Group' },
  };
  expect(readResource(body, GROUP)).toEqual({ externalId: 'e-1', displayName: 'Tours' });
});
