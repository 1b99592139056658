import { toEpochMs } from '@rollcall/shared/core/time';
import { ldapDirectory } from '@rollcall/sweeper/directories/ldap';
import type { LdapDirectoryOptions } from '@rollcall/sweeper/directories/ldap/options';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { GROUPS, PASSWORD, PEOPLE, READER } from './slapd.ts';

/** How a directory departs from the usual one. */
export interface LdapChanges extends Partial<Omit<LdapDirectoryOptions, 'address' | 'password'>> {
  readonly port: number;
  readonly security?: LdapDirectoryOptions['address']['security'];
  readonly host?: string;
  readonly secret?: string;
}

/** The adapter in front of {@link startSlapd}'s server, three people to a page. */
export function openLdap({ port, security, host, secret, ...more }: LdapChanges): Directory {
  return ldapDirectory({
    address: { host: host ?? '127.0.0.1', port, security: security ?? 'none' },
    authorities: async () => null,
    bindDn: READER,
    password: async () => secret ?? PASSWORD,
    server: 'openldap',
    base: PEOPLE,
    filter: '(objectClass=inetOrgPerson)',
    id: { attribute: 'entryUUID', format: 'text' },
    label: 'uid',
    groups: {
      base: GROUPS,
      filter: '(objectClass=groupOfNames)',
      from: 'member',
      name: 'cn',
      nested: true,
      primary: false,
      neverEmpty: true,
    },
    assignmentGroup: null,
    timeoutMs: 10_000,
    pageSize: 3,
    clock: () => toEpochMs(Date.UTC(2026, 10, 25)),
    ...more,
  });
}
