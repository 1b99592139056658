import { ldapSchema } from '@rollcall/shared/config/schema/ldap';
import { describe, expect, it } from 'vitest';

const GOOD = {
  type: 'ldap',
  url: 'ldaps://dc1.acme.example',
  bind_dn: 'CN=rollcall,DC=acme,DC=example',
  password: 'env:LDAP_PASSWORD',
  server: 'active_directory',
  base: 'DC=acme,DC=example',
};

function read(changes: Readonly<Record<string, unknown>> = {}) {
  return ldapSchema('/etc/rollcall').safeParse({ ...GOOD, ...changes });
}

function complaint(changes: Readonly<Record<string, unknown>>): string {
  const { error } = read(changes);
  return (error?.issues ?? [])
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('\n');
}

describe('an LDAP directory in the configuration', () => {
  it('knows what is usual with Active Directory', () => {
    expect(read().data).toMatchObject({
      address: { host: 'dc1.acme.example', port: 636, security: 'ldaps' },
      id: { attribute: 'objectGUID', format: 'guid' },
      label: 'sAMAccountName',
      groups: { base: 'DC=acme,DC=example', membership: 'member_of', name: 'cn', nested: true },
      assignmentGroup: null,
    });
  });

  it("knows what is usual with OpenLDAP, and takes an id of one's own as text", () => {
    expect(read({ server: 'openldap' }).data).toMatchObject({
      id: { attribute: 'entryUUID', format: 'text' },
      groups: { membership: 'member' },
    });
    expect(read({ id: 'employeeNumber' }).data?.id).toEqual({
      attribute: 'employeeNumber',
      format: 'text',
    });
  });

  it.each([
    ['ldap://dc1.acme.example:1389', { start_tls: true }, { port: 1389, security: 'starttls' }],
    ['ldap://127.0.0.1', {}, { host: '127.0.0.1', port: 389, security: 'none' }],
    ['ldaps://[::1]', {}, { host: '::1', port: 636 }],
  ])('reads %s', (url, more, address) => {
    expect(read({ url, ...more }).data?.address).toMatchObject(address);
  });

  it.each([
    [
      'a password over the open network',
      { url: 'ldap://dc1.acme.example' },
      'url: must be ldaps://',
    ],
    ['TLS twice', { start_tls: true }, 'start_tls: expected false'],
    ['another scheme', { url: 'https://dc1.acme.example' }, 'url: expected ldaps://host'],
    ['a search in the URL', { url: 'ldaps://dc1.acme.example/dc=acme?sub' }, 'and nothing else'],
    ['a password in the URL', { url: 'ldaps://a:hunter2@dc1.acme.example' }, 'and nothing else'],
    [
      'a filter without brackets',
      { filter: 'objectClass=person' },
      'filter: expected a filter in brackets',
    ],
    ['a filter of two', { filter: '(a=b)(c=d)' }, 'filter: expected a filter in brackets'],
    ['an attribute that is none', { id: 'a)(b' }, 'id: expected the name of an attribute'],
    ['a password that is no reference', { password: 'hunter2' }, 'password: must be a reference'],
    ['a page too large', { page_size: 1_001 }, 'page_size: expected a whole number from 1 to 1000'],
    ['a key that is not known', { asignment_group: 'x' }, 'did you mean "assignment_group"?'],
  ])('refuses %s', (_, changes, text) => {
    expect(complaint(changes)).toContain(text);
    expect(complaint(changes)).not.toContain('hunter2');
  });
});
