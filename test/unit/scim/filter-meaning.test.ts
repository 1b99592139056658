import { bindFilter } from '@rollcall/jit-auth/scim/filter/bind-filter';
import { satisfies } from '@rollcall/jit-auth/scim/filter/matches';
import { parseFilter } from '@rollcall/jit-auth/scim/filter/parse-filter';
import { GROUP } from '@rollcall/jit-auth/scim/schema/group';
import { USER } from '@rollcall/jit-auth/scim/schema/user';
import { describe, expect, it } from 'vitest';
import { ADA } from './people.ts';

const matches = (text: string): boolean => satisfies(ADA, bindFilter(parseFilter(text), USER));
const URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

describe('who is found', () => {
  it.each([
    'userName eq "ada@ACME.example"',
    'USERNAME EQ "Ada@acme.example"',
    'urn:ietf:params:scim:schemas:core:2.0:user:userName sw "ADA"',
    'userName ew ".Example"',
    'userName co "@acme"',
    'name.familyName eq "lovelace"',
    'name pr',
    'externalId eq "00uAda"',
    'active eq true',
    'active eq "True"',
    'active ne false',
    'emails eq "ada@acme.example"',
    'emails.value eq "ada@home.example"',
    'emails[type eq "work"].value eq "ADA@acme.example"',
    'emails[type eq "work" and primary eq true]',
    'emails.type ne "home"',
    'emails pr',
    'emails.display pr or emails.value pr',
    'phoneNumbers eq null',
    'not (phoneNumbers pr)',
    'phoneNumbers.value ne "1"',
    'nickName ne "x"',
    'nickName eq null',
    'title ne null',
    'not (nickName eq "x")',
    `${URN}:department eq "analysis"`,
    `${URN}:employeeNumber eq 1815`,
    `${URN.toUpperCase()}:MANAGER.VALUE eq "26118915"`,
    `${URN}:manager eq "26118915"`,
    `${URN}:manager pr`,
    'meta.lastModified gt "2026-01-01T00:00:00Z"',
    'meta.lastModified le "2026-01-02T12:00:00.000+12:00"',
    'meta.created eq "2026-01-01T00:00:00.000Z"',
    'title gt "a" and title lt "z"',
    'title ge "Countess" and title le "COUNTESS"',
    'roles[value eq "analyst"]',
    'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"',
    'title eq "Countess" or userName eq "x" and active eq false',
  ])('%s', (text) => expect(matches(text)).toBe(true));
});

describe('who is not', () => {
  it.each([
    'externalId eq "00uada"',
    'active eq false',
    'emails[type eq "home" and value eq "ada@acme.example"]',
    'emails[type eq "home"].value eq "ada@acme.example"',
    'phoneNumbers pr',
    'nickName pr',
    'nickName eq "x"',
    'nickName gt "a"',
    'title eq null',
    'not (title pr)',
    'userName co "%"',
    'userName sw "_da"',
    '(title eq "Countess" or userName eq "x") and active eq false',
    'meta.lastModified lt "2026-01-01T00:00:00Z"',
    `${URN}:department pr and ${URN}:division pr`,
  ])('%s', (text) => expect(matches(text)).toBe(false));
});

describe('what cannot be answered is an error', () => {
  it.each([
    'nonsense eq "x"',
    'userName.value eq "x"',
    'emails.nonsense eq "x"',
    'emails[nonsense eq "x"]',
    'userName[value eq "x"]',
    'name eq "x"',
    'addresses eq "x"',
    'active gt true',
    'active co "t"',
    'active eq "yes"',
    'active eq 1',
    'userName eq true',
    'userName gt null',
    'meta.created gt "yesterday"',
    'meta.created gt "2026-02-30T00:00:00Z"',
    'meta.created co "2026"',
    'password eq "x"',
    'password pr',
    '__proto__ eq "x"',
    '__proto__.x pr',
    'constructor pr',
    'constructor.prototype pr',
    'emails[__proto__ pr]',
    'toString pr',
    'urn:unknown:schema:x eq "y"',
    'displayName.constructor pr',
    'members eq "x"',
  ])('%s', (text) => {
    expect(() => matches(text)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidFilter' }),
    );
  });
});

it('finds a group by a member', () => {
  const group = { displayName: 'Tours', members: [{ value: 'u-1', display: 'Ada' }] };
  const found = (text: string) => satisfies(group, bindFilter(parseFilter(text), GROUP));
  expect(found('displayName eq "tours" and members eq "u-1"')).toBe(true);
  expect(found('members[value eq "u-1"]')).toBe(true);
  expect(found('members.value eq "U-1"')).toBe(false);
});
