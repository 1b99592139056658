import { applyPatch } from '@rollcall/jit-auth/scim/patch/apply-patch';
import { readPatch } from '@rollcall/jit-auth/scim/patch/patch-request';
import { isSameValue, type ScimObject } from '@rollcall/jit-auth/scim/resource/scim-value';
import { USER } from '@rollcall/jit-auth/scim/schema/user';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADA, ENTERPRISE } from './people.ts';

type Sent = { op: string; path?: string; value?: unknown };

function patch(operations: readonly Sent[], resource: ScimObject = ADA) {
  return applyPatch(resource, readPatch({ Operations: operations }), USER);
}

const WORK = { value: 'Ada@acme.example', type: 'work', primary: true };
const HOME = { value: 'ada@home.example', type: 'home' };

/** What was sent, and what is another than it was; `undefined` where nothing is left. */
const TABLE: [string, Sent[], Record<string, unknown>][] = [
  // RFC 7644 §3.5.2.1
  [
    'add to a single attribute replaces it',
    [{ op: 'add', path: 'title', value: 'Dr' }],
    { title: 'Dr' },
  ],
  [
    'add to one that is not there makes it',
    [{ op: 'add', path: 'nickName', value: 'A' }],
    { nickName: 'A' },
  ],
  [
    'add without a path',
    [{ op: 'add', value: { nickName: 'A', title: 'Dr' } }],
    { nickName: 'A', title: 'Dr' },
  ],
  [
    'add to several appends',
    [{ op: 'add', path: 'emails', value: [{ value: 'x@y', type: 'other' }] }],
    { emails: [WORK, HOME, { value: 'x@y', type: 'other' }] },
  ],
  ['add of what is there changes nothing', [{ op: 'add', path: 'emails', value: [HOME] }], {}],
  [
    'add of a primary one takes it from the other',
    [{ op: 'add', path: 'emails', value: [{ value: 'x@y', primary: true }] }],
    { emails: [{ ...WORK, primary: false }, HOME, { value: 'x@y', primary: true }] },
  ],
  [
    'add of parts leaves the others',
    [{ op: 'add', path: 'name', value: { middleName: 'K' } }],
    { name: { givenName: 'Ada', familyName: 'Lovelace', middleName: 'K' } },
  ],
  // §3.5.2.2
  ['remove', [{ op: 'remove', path: 'title' }], { title: undefined }],
  [
    'remove of a part',
    [{ op: 'remove', path: 'name.givenName' }],
    { name: { familyName: 'Lovelace' } },
  ],
  ['remove of the last part', [{ op: 'remove', path: 'roles.value' }], { roles: undefined }],
  ['remove of all values', [{ op: 'remove', path: 'emails' }], { emails: undefined }],
  [
    'remove of those that a path selects',
    [{ op: 'remove', path: 'emails[type eq "home"]' }],
    { emails: [WORK] },
  ],
  ['remove of what is not there', [{ op: 'remove', path: 'emails[type eq "fax"]' }], {}],
  ['remove of what was never there', [{ op: 'remove', path: 'nickName' }], {}],
  [
    'remove of a part of those that a path selects',
    [{ op: 'remove', path: 'emails[type eq "work"].primary' }],
    { emails: [{ value: 'Ada@acme.example', type: 'work' }, HOME] },
  ],
  [
    'remove of the value itself',
    [{ op: 'remove', path: 'emails[type eq "home"].value' }],
    { emails: [WORK] },
  ],
  // §3.5.2.3
  ['replace', [{ op: 'replace', path: 'title', value: 'Dr' }], { title: 'Dr' }],
  ['replace by the same', [{ op: 'replace', path: 'title', value: 'Countess' }], {}],
  ['replace of all values', [{ op: 'replace', path: 'emails', value: [HOME] }], { emails: [HOME] }],
  ['replace by no value', [{ op: 'replace', path: 'emails', value: [] }], { emails: undefined }],
  [
    'replace of parts leaves the others',
    [{ op: 'replace', path: 'name', value: { familyName: 'King' } }],
    { name: { givenName: 'Ada', familyName: 'King' } },
  ],
  [
    'replace of a value that a path selects',
    [{ op: 'replace', path: 'emails[type eq "home"]', value: { value: 'x@y' } }],
    { emails: [WORK, { type: 'home', value: 'x@y' }] },
  ],
  [
    'replace of a part of all values',
    [{ op: 'replace', path: 'emails.display', value: 'Ada' }],
    {
      emails: [
        { ...WORK, display: 'Ada' },
        { ...HOME, display: 'Ada' },
      ],
    },
  ],
  ['replace by null', [{ op: 'replace', path: 'title', value: null }], { title: undefined }],
  [
    'null takes a part away',
    [{ op: 'replace', path: 'name', value: { givenName: null } }],
    { name: { familyName: 'Lovelace' } },
  ],
  // Names
  ['names in any case', [{ op: 'Replace', path: 'TITLE', value: 'Dr' }], { title: 'Dr' }],
  [
    'the URN of the schema',
    [
      {
        op: 'replace',
        path: 'urn:ietf:params:scim:schemas:core:2.0:USER:name.givenName',
        value: 'A',
      },
    ],
    { name: { givenName: 'A', familyName: 'Lovelace' } },
  ],
  [
    'the URN of an extension',
    [{ op: 'replace', path: `${ENTERPRISE}:department`, value: 'Poetry' }],
    { [ENTERPRISE]: { ...(ADA[ENTERPRISE] as object), department: 'Poetry' } },
  ],
  ['an extension as a whole', [{ op: 'remove', path: ENTERPRISE }], { [ENTERPRISE]: undefined }],
  [
    'an extension as an object',
    [{ op: 'add', value: { [ENTERPRISE]: { division: 'D', nonsense: 1 } } }],
    { [ENTERPRISE]: { ...(ADA[ENTERPRISE] as object), division: 'D' } },
  ],
  [
    'what the schema lacks, without a path',
    [{ op: 'add', value: { nonsense: 1, title: 'Dr' } }],
    { title: 'Dr' },
  ],
  [
    'what only the server writes, without a path',
    [{ op: 'replace', value: { id: 'x', meta: {}, groups: [{ value: 'g' }], title: 'Dr' } }],
    { title: 'Dr' },
  ],
  ['a password', [{ op: 'replace', path: 'password', value: 'x' }], {}],
  ['no operation', [], {}],
  [
    'one after the other',
    [
      { op: 'add', path: 'nickName', value: 'A' },
      { op: 'replace', path: 'nickName', value: 'B' },
    ],
    { nickName: 'B' },
  ],
  // What clients send beside the RFC
  [
    'Entra: Replace active "False"',
    [{ op: 'Replace', path: 'active', value: 'False' }],
    { active: false },
  ],
  [
    'Entra: active in an object',
    [{ op: 'replace', value: { active: 'false' } }],
    { active: false },
  ],
  [
    'Entra: a telephone number that is not there yet',
    [{ op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+1' }],
    { phoneNumbers: [{ type: 'mobile', value: '+1' }] },
  ],
  [
    'Entra: an e-mail that is not there yet, by Replace',
    [{ op: 'Replace', path: 'emails[type eq "other"].value', value: 'x@y' }],
    { emails: [WORK, HOME, { type: 'other', value: 'x@y' }] },
  ],
  [
    'Entra: an e-mail that is',
    [{ op: 'Replace', path: 'emails[type eq "work"].value', value: 'x@y' }],
    { emails: [{ ...WORK, value: 'x@y' }, HOME] },
  ],
  [
    'Entra: several parts of one address',
    [
      { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'London' },
      { op: 'Add', path: 'addresses[type eq "work"].country', value: 'GB' },
    ],
    { addresses: [{ type: 'work', locality: 'London', country: 'GB' }] },
  ],
  [
    'Entra: roles[primary eq "True"].value',
    [{ op: 'Add', path: 'roles[primary eq "True"].value', value: 'admin' }],
    { roles: [{ value: 'Analyst' }, { primary: true, value: 'admin' }] },
  ],
  [
    'Entra: a bare manager',
    [{ op: 'Add', path: `${ENTERPRISE}:manager`, value: 'm-2' }],
    { [ENTERPRISE]: { ...(ADA[ENTERPRISE] as object), manager: { value: 'm-2' } } },
  ],
  [
    'Entra: a manager in a list, with a $ref of null',
    [{ op: 'Add', path: `${ENTERPRISE}:manager`, value: [{ $ref: null, value: 'm-2' }] }],
    { [ENTERPRISE]: { ...(ADA[ENTERPRISE] as object), manager: { value: 'm-2' } } },
  ],
  [
    'Entra: a manager that is taken away by an empty text',
    [{ op: 'Replace', path: `${ENTERPRISE}:manager`, value: '' }],
    { [ENTERPRISE]: { department: 'Analysis', employeeNumber: '1815' } },
  ],
  [
    'Entra, aadOptscim062020: dotted names and URNs without a path',
    [
      {
        op: 'replace',
        value: {
          'name.givenName': 'A',
          'name.familyName': 'K',
          [`${ENTERPRISE}:department`]: 'Poetry',
          'emails[type eq "work"].value': 'x@y',
        },
      },
    ],
    {
      name: { givenName: 'A', familyName: 'K' },
      [ENTERPRISE]: { ...(ADA[ENTERPRISE] as object), department: 'Poetry' },
      emails: [{ ...WORK, value: 'x@y' }, HOME],
    },
  ],
  [
    'remove by a list of values',
    [{ op: 'Remove', path: 'emails', value: [{ value: 'ada@home.example', $ref: null }] }],
    { emails: [WORK] },
  ],
  ['remove by a list that names nobody', [{ op: 'Remove', path: 'emails', value: [] }], {}],
  ['a number for a text', [{ op: 'add', path: `${ENTERPRISE}:employeeNumber`, value: 1815 }], {}],
  [
    'one value where several may be',
    [{ op: 'add', path: 'roles', value: 'editor' }],
    { roles: [{ value: 'Analyst' }, { value: 'editor' }] },
  ],
];

describe('PATCH', () => {
  it.each(TABLE)('%s', (_name, operations, difference) => {
    const expected = Object.fromEntries(
      Object.entries({ ...ADA, ...difference }).filter(([, value]) => value !== undefined),
    );
    const { resource, changed } = patch(operations);
    expect(resource).toEqual(expected);
    expect(changed).toBe(Object.keys(difference).length > 0);
    // What came is as it was.
    expect(patch(operations).resource).toEqual(resource);
  });
});

const REFUSED: [string, Sent[], string][] = [
  ['remove without a path', [{ op: 'remove' }], 'noTarget'],
  ['remove with a value and no path', [{ op: 'remove', value: { title: 'x' } }], 'noTarget'],
  ['add without a value', [{ op: 'add', path: 'title' }], 'invalidValue'],
  ['a text without a path', [{ op: 'add', value: 'x' }], 'invalidValue'],
  ['an attribute that is none', [{ op: 'add', path: 'nonsense', value: 1 }], 'invalidPath'],
  ['a part that is none', [{ op: 'add', path: 'name.nonsense', value: 1 }], 'invalidPath'],
  ['an extension that is none', [{ op: 'add', path: 'urn:x:y:z', value: 1 }], 'invalidPath'],
  [
    'a path that cannot be read',
    [{ op: 'add', path: 'emails[type eq "work"', value: 1 }],
    'invalidPath',
  ],
  [
    'brackets where there is one value',
    [{ op: 'add', path: 'name[givenName eq "x"]', value: {} }],
    'invalidPath',
  ],
  [
    'a filter of what is no part',
    [{ op: 'remove', path: 'emails[nonsense eq "x"]' }],
    'invalidFilter',
  ],
  ['id', [{ op: 'replace', path: 'id', value: 'x' }], 'mutability'],
  ['meta', [{ op: 'replace', path: 'meta.created', value: 'x' }], 'mutability'],
  ['groups', [{ op: 'add', path: 'groups', value: [{ value: 'x' }] }], 'mutability'],
  ['userName taken away', [{ op: 'remove', path: 'userName' }], 'mutability'],
  ['userName made empty', [{ op: 'replace', path: 'userName', value: '' }], 'mutability'],
  ['active maybe', [{ op: 'replace', path: 'active', value: 'maybe' }], 'invalidValue'],
  ['active 0', [{ op: 'replace', path: 'active', value: 0 }], 'invalidValue'],
  ['a text that is an object', [{ op: 'replace', path: 'title', value: { a: 1 } }], 'invalidValue'],
  [
    'two primary ones',
    [
      {
        op: 'add',
        path: 'emails',
        value: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
    ],
    'invalidValue',
  ],
  [
    'a value that nothing says how to make',
    [{ op: 'replace', path: 'emails[value co "nobody"].display', value: 'x' }],
    'noTarget',
  ],
  [
    'a value that one of two things says how to make',
    [{ op: 'add', path: 'emails[type eq "a" or type eq "b"].value', value: 'x' }],
    'noTarget',
  ],
  ['the same attribute twice', [{ op: 'add', value: { title: 'a', Title: 'b' } }], 'invalidSyntax'],
  ['an operation that is none', [{ op: 'move', path: 'title', value: 'x' }], 'invalidSyntax'],
  ['__proto__', [{ op: 'add', path: '__proto__.polluted', value: 1 }], 'invalidPath'],
  ['constructor', [{ op: 'add', path: 'constructor.prototype.polluted', value: 1 }], 'invalidPath'],
  [
    '__proto__ in brackets',
    [{ op: 'add', path: 'emails[__proto__ eq "x"].value', value: 1 }],
    'invalidPath',
  ],
  ['__proto__ as a part', [{ op: 'add', path: 'name.__proto__', value: {} }], 'invalidPath'],
  [
    'more values than describe a person',
    [{ op: 'add', path: 'roles', value: Array.from({ length: 501 }, (_, i) => `r${i}`) }],
    'invalidValue',
  ],
];

describe('what PATCH refuses', () => {
  it.each(REFUSED)('%s', (_name, operations, scimType) => {
    expect(() => patch(operations)).toThrow(expect.objectContaining({ status: 400, scimType }));
  });

  it.each([
    [null],
    [[]],
    ['text'],
    [{}],
    [{ Operations: {} }],
    [{ Operations: [null] }],
    [{ Operations: [], operations: [] }],
    [{ Operations: [], schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'] }],
    [{ Operations: [{ op: 1, path: 'title' }] }],
  ])('a body that is none: %j', (body) => {
    expect(() => readPatch(body)).toThrow(expect.objectContaining({ scimType: 'invalidSyntax' }));
  });

  it('a whole list of operations, where the last one fails', () => {
    const before = structuredClone(ADA);
    const operations = [
      { op: 'replace', path: 'title', value: 'Dr' },
      { op: 'remove', path: 'emails' },
      { op: 'add', path: 'nonsense', value: 1 },
    ];
    expect(() => patch(operations)).toThrow();
    expect(ADA).toEqual(before);
  });
});

describe('names of JavaScript itself', () => {
  const HOSTILE = JSON.parse(`[
    {"__proto__": {"polluted": true}},
    {"constructor": {"prototype": {"polluted": true}}},
    {"__proto__.polluted": true, "title": "Dr"},
    {"name": {"__proto__": {"polluted": true}, "givenName": "A"}},
    {"emails": [{"__proto__": {"polluted": true}, "value": "x"}]},
    {"${ENTERPRISE}": {"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": 1}}}},
    {"${ENTERPRISE}:__proto__": {"polluted": true}}
  ]`) as unknown[];

  it.each(HOSTILE.map((value) => [JSON.stringify(value), value] as const))('%s', (_name, value) => {
    for (const op of ['add', 'replace']) {
      const { resource } = patch([{ op, value }]);
      expect(JSON.stringify(resource)).not.toContain('polluted');
      expect(Object.getPrototypeOf(resource)).toBe(Object.prototype);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    }
  });

  it('does nothing but throw its own errors or answer, whatever is sent', () => {
    const names = fc.constantFrom(
      'title',
      'active',
      'emails',
      'name',
      'name.givenName',
      ENTERPRISE,
      '__proto__',
      'constructor',
      'emails[type eq "work"].value',
      'emails[type eq "work"]',
      'emails.value',
      'id',
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.dictionary(names, fc.jsonValue({ maxDepth: 1 })),
    );
    const operation = fc.record({
      op: fc.constantFrom('add', 'Replace', 'REMOVE'),
      path: fc.option(names, { nil: undefined }),
      value,
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 3 }), (operations) => {
        try {
          const sent = operations.map(({ path, ...rest }) =>
            path === undefined ? rest : { ...rest, path },
          );
          const once = patch(sent);
          expect(Object.keys(once.resource)).not.toContain('__proto__');
          expect(once.changed).toBe(!isSameValue(once.resource, ADA));
        } catch (error) {
          expect(error).toMatchObject({ name: 'ScimError', status: 400 });
        }
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
