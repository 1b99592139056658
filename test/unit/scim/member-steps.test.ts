import { membersIn, takeMembersOut } from '@rollcall/jit-auth/scim/patch/member-steps';
import { readPatch } from '@rollcall/jit-auth/scim/patch/patch-request';
import { describe, expect, it } from 'vitest';

const take = (...operations: object[]) => takeMembersOut(readPatch({ Operations: operations }));
const steps = (...operations: object[]) => take(...operations).members;

describe('what a PATCH does to members', () => {
  it.each<[string, object, object]>([
    [
      'Okta adds',
      { op: 'add', path: 'members', value: [{ value: 'a', display: 'A' }] },
      { kind: 'add', ids: ['a'] },
    ],
    ['Okta removes', { op: 'remove', path: 'members[value eq "a"]' }, { kind: 'remove_where' }],
    ['Okta replaces', { op: 'replace', path: 'members', value: [] }, { kind: 'replace', ids: [] }],
    [
      'Entra adds',
      {
        op: 'Add',
        path: 'members',
        value: [
          { $ref: null, value: 'a' },
          { $ref: null, value: 'b' },
        ],
      },
      { kind: 'add', ids: ['a', 'b'] },
    ],
    [
      'Entra removes',
      { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'a' }] },
      { kind: 'remove', ids: ['a'] },
    ],
    ['nobody is named', { op: 'remove', path: 'members', value: [] }, { kind: 'remove', ids: [] }],
    ['everybody', { op: 'remove', path: 'members' }, { kind: 'remove_all' }],
    [
      'without a path',
      { op: 'replace', value: { id: 'x', members: [{ value: 'a' }] } },
      { kind: 'replace', ids: ['a'] },
    ],
    ['a bare id', { op: 'add', path: 'MEMBERS', value: 'a' }, { kind: 'add', ids: ['a'] }],
    [
      'the same id twice',
      { op: 'add', path: 'members', value: ['a', { value: 'a', type: 'User' }] },
      { kind: 'add', ids: ['a'] },
    ],
    [
      'with the URN',
      { op: 'add', path: 'urn:ietf:params:scim:schemas:core:2.0:Group:members', value: ['a'] },
      { kind: 'add', ids: ['a'] },
    ],
  ])('%s', (_name, operation, step) => {
    expect(steps(operation)).toEqual([expect.objectContaining(step)]);
  });

  it('leaves the rest in its order', () => {
    const { members, others } = take(
      { op: 'replace', value: { displayName: 'B', members: ['a'] } },
      { op: 'add', path: 'members', value: ['b'] },
      { op: 'replace', path: 'externalId', value: 'e' },
    );
    expect(members.map(({ kind }) => kind)).toEqual(['replace', 'add']);
    expect(others).toEqual([
      { op: 'replace', path: null, value: { displayName: 'B' } },
      { op: 'replace', path: 'externalId', value: 'e' },
    ]);
  });

  it.each<[string, object, string]>([
    [
      'a member that is a group',
      { op: 'add', path: 'members', value: [{ value: 'a', type: 'Group' }] },
      'invalidValue',
    ],
    [
      'a member without an id',
      { op: 'add', path: 'members', value: [{ display: 'A' }] },
      'invalidValue',
    ],
    ['a number', { op: 'add', path: 'members', value: [1] }, 'invalidValue'],
    ['no value', { op: 'add', path: 'members' }, 'invalidValue'],
    [
      'a member that changes',
      { op: 'replace', path: 'members[value eq "a"].value', value: 'b' },
      'mutability',
    ],
    [
      'a filter of what no member has',
      { op: 'remove', path: 'members[x eq "a"]' },
      'invalidFilter',
    ],
  ])('refuses %s', (_name, operation, scimType) => {
    expect(() => take(operation)).toThrow(expect.objectContaining({ status: 400, scimType }));
  });
});

it('tells no members from members that are none', () => {
  expect(membersIn({ displayName: 'x' })).toBeNull();
  expect(membersIn({ Members: [] })).toEqual([]);
  expect(membersIn({ members: null })).toEqual([]);
});
