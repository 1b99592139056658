import { toDirectoryId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { isShut, type LdapServer } from '@rollcall/sweeper/directories/ldap/account-state';
import { canonicalDn } from '@rollcall/sweeper/directories/ldap/distinguished-name';
import type { LdapEntry } from '@rollcall/sweeper/directories/ldap/entry';
import { GroupBook } from '@rollcall/sweeper/directories/ldap/group-book';
import {
  filterForIdentifier,
  type IdFormat,
  readIdentifier,
} from '@rollcall/sweeper/directories/ldap/identifier';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

function entryOf(
  attributes: Readonly<Record<string, string | Buffer | readonly Buffer[]>>,
): LdapEntry {
  const values = Object.entries(attributes).map(([name, value]) => {
    const list = typeof value === 'string' ? [Buffer.from(value)] : [value].flat();
    return [name.toLowerCase(), list as readonly Buffer[]] as const;
  });
  return { dn: 'uid=ada,dc=acme', attributes: new Map(values) };
}

describe('the id of an entry', () => {
  it('is a GUID as Microsoft writes it: the first three parts are reversed', () => {
    const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const entry = entryOf({ objectGUID: bytes });
    expect(readIdentifier(entry, 'objectGUID', 'guid')).toBe(
      '33221100-5544-7766-8899-aabbccddeeff',
    );
  });

  it('is asked for by the bytes that were read', () => {
    const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(sixteen, fc.constantFrom<IdFormat>('guid', 'base64', 'hex'), (bytes, format) => {
        const value = Buffer.from(bytes);
        const id = readIdentifier(entryOf({ id: value }), 'id', format);
        expect(filterForIdentifier('id', id, format)?.value).toEqual(value);
      }),
    );
  });

  it.each<[IdFormat, string]>([
    ['guid', '33221100-5544-7766-8899-AABBCCDDEEFF'],
    ['guid', 'ada'],
    ['hex', 'abc'],
    ['base64', 'not base64!'],
  ])("is nobody's in the format %s where it is %s", (format, id) => {
    expect(filterForIdentifier('id', toDirectoryId(id), format)).toBeNull();
  });

  it.each([
    ['none', {}],
    ['two', { id: [Buffer.from('a'), Buffer.from('b')] }],
    ['a padded one', { id: ' a ' }],
    ['one that is no UTF-8', { id: Buffer.from([0xff, 0xfe]) }],
  ])('is refused where there is %s', (_, attributes) => {
    expect(() => readIdentifier(entryOf(attributes), 'id', 'text')).toThrow();
  });
});

describe('an account that is shut', () => {
  const NOW = Date.UTC(2026, 10, 25);
  const fileTime = (ms: number): string => String((BigInt(ms) + 11_644_473_600_000n) * 10_000n);

  it.each<[string, LdapServer, Record<string, string>, boolean]>([
    ['an enabled account', 'active_directory', { userAccountControl: '512' }, false],
    ['a disabled account', 'active_directory', { userAccountControl: '514' }, true],
    ['a password that has expired', 'active_directory', { userAccountControl: '8389120' }, false],
    [
      'a lock by wrong passwords',
      'active_directory',
      { userAccountControl: '528', lockoutTime: '1' },
      false,
    ],
    ['no end', 'active_directory', { userAccountControl: '512', accountExpires: '0' }, false],
    [
      'another no end',
      'active_directory',
      { userAccountControl: '512', accountExpires: '9223372036854775807' },
      false,
    ],
    [
      'an end that has come',
      'active_directory',
      { userAccountControl: '512', accountExpires: fileTime(NOW) },
      true,
    ],
    [
      'an end to come',
      'active_directory',
      { userAccountControl: '512', accountExpires: fileTime(NOW + 1) },
      false,
    ],
    ['no lock', 'openldap', {}, false],
    ['a lock for good', 'openldap', { pwdAccountLockedTime: '000001010000Z' }, true],
    ['a lock that ends', 'openldap', { pwdAccountLockedTime: '20261125080000Z' }, false],
    ['no nsAccountLock', '389ds', {}, false],
    ['nsAccountLock', '389ds', { nsAccountLock: 'true' }, true],
    ['nsAccountLock taken back', '389ds', { nsAccountLock: 'false' }, false],
  ])('%s, at %s', (_, server, attributes, shut) => {
    expect(isShut(entryOf(attributes), server, toEpochMs(NOW))).toBe(shut);
  });

  it.each([
    ['userAccountControl is not to be read', {}],
    ['accountExpires is no number', { userAccountControl: '512', accountExpires: 'soon' }],
  ])('is not known in Active Directory where %s', (_, attributes) => {
    expect(() => isShut(entryOf(attributes), 'active_directory', toEpochMs(NOW))).toThrow();
  });
});

describe('a distinguished name', () => {
  it.each([
    ['CN=Ada Lovelace,OU=People,DC=acme', 'cn=ada lovelace, ou=people , dc=acme'],
    ['cn=Lovelace\\2C Ada,dc=acme', 'CN=Lovelace\\, Ada,DC=acme'],
    ['cn=Amélie,dc=acme', 'CN=AMÉLIE,DC=acme'],
  ])('%s is %s', (one, other) => {
    expect(canonicalDn(one)).toBe(canonicalDn(other));
  });

  it.each([
    ['cn=a,dc=acme', 'cn=ab,dc=acme'],
    ['cn=a\\,b,dc=acme', 'cn=a,b,dc=acme'],
    ['cn=\\C3\\A9,dc=acme', 'cn=\\C3\\A8,dc=acme'],
  ])('%s is not %s', (one, other) => {
    expect(canonicalDn(one)).not.toBe(canonicalDn(other));
  });
});

describe('groups in groups', () => {
  it('are those that lead to the person, by every way, and no others', () => {
    const index = fc.nat({ max: 7 });
    const edges = fc.array(fc.tuple(index, index), { maxLength: 24 });
    fc.assert(
      fc.property(edges, fc.array(index, { maxLength: 3 }), (inside, direct) => {
        const groups = Array.from({ length: 8 }, (_, number) => ({
          dn: `cn=g${number}`,
          name: `g${number}`,
          members: [
            ...inside.filter(([outer]) => outer === number).map(([, inner]) => `cn=g${inner}`),
            ...(direct.includes(number) ? ['uid=ada'] : []),
          ],
          parents: [],
        }));
        // Counted another way: what is reached after as many steps as there are groups.
        let reached = new Set(direct);
        for (let round = 0; round < 8; round++) {
          reached = new Set([
            ...reached,
            ...inside.filter(([, inner]) => reached.has(inner)).map(([outer]) => outer),
          ]);
        }
        const book = new GroupBook(groups, true);
        const expected = [...reached].map((number) => `g${number}`).sort();
        expect(book.namesOf(book.groupsOf('uid=ADA'))).toEqual(expected);
      }),
    );
  });
});
