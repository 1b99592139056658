import { readFile } from 'node:fs/promises';
import type { LdapDirectoryConfig } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { FilterParser } from 'ldapts';
import { DirectoryError } from '../directory-error.ts';
import type { Pace } from '../pace.ts';
import type { LdapServer } from './account-state.ts';
import type { LdapAddress } from './connection.ts';
import type { LdapGroupOptions } from './groups.ts';
import type { IdFormat } from './identifier.ts';

/** Where and as whom a directory server is asked, and what is what there. */
export interface LdapDirectoryOptions {
  readonly address: Omit<LdapAddress, 'ca'>;
  /** PEM of the authorities to trust, read anew for each connection; null: those of Node. */
  readonly authorities: () => Promise<string | null>;
  readonly bindDn: string;
  readonly password: () => Promise<string>;
  readonly server: LdapServer;
  /** Everybody is below this. */
  readonly base: string;
  /** Who counts as a person (RFC 4515). */
  readonly filter: string;
  readonly id: { readonly attribute: string; readonly format: IdFormat };
  /** Attribute for people to read. */
  readonly label: string;
  /** Null: groups are not asked for. */
  readonly groups: LdapGroupOptions | null;
  /** Distinguished name of the group whose members are assigned; null: everybody is. */
  readonly assignmentGroup: string | null;
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Entries on a page; Active Directory allows 1,000. */
  readonly pageSize: number;
  /** For `accountExpires`. */
  readonly clock: () => EpochMs;
  /** Waited for before each page and look-up, where the server is asked in company. */
  readonly pace?: Pace | null;
}

/** What a configuration says, in the terms of the protocol. Nothing is read or sent yet. */
export function ldapOptions(
  config: LdapDirectoryConfig,
  password: () => Promise<string>,
  pace: Pace | null = null,
): LdapDirectoryOptions {
  const { caFile, groups, server, assignmentGroup, ...same } = config;
  const { membership: from, ...where } = groups;
  const primary = server === 'active_directory';
  return {
    ...same,
    server,
    assignmentGroup,
    password,
    authorities: async () => (caFile === null ? null : readAuthorities(caFile)),
    groups: { ...where, from, primary, neverEmpty: !primary },
    clock: currentTime,
    pace,
  };
}

/** Throws `DirectoryError` where a filter does not follow the grammar of RFC 4515. */
export function requireFilters({ filter, groups }: LdapDirectoryOptions): void {
  for (const text of [filter, ...(groups === null ? [] : [groups.filter])]) {
    try {
      FilterParser.parseString(text);
    } catch (cause) {
      throw new DirectoryError(
        'request_failed',
        `Expected a filter (RFC 4515), received ${text}.`,
        {
          cause,
        },
      );
    }
  }
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new DirectoryError(
      'request_failed',
      `The file with the authorities cannot be read: ${path}.`,
      {
        cause,
      },
    );
  }
}
