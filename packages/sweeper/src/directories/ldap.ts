import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { DirectoryId } from '@rollcall/shared/core/ids';
import { AndFilter, type Filter, FilterParser } from 'ldapts';
import { DirectoryError } from './directory-error.ts';
import { isShut, STATE_ATTRIBUTES } from './ldap/account-state.ts';
import { LdapConnection } from './ldap/connection.ts';
import { canonicalDn } from './ldap/distinguished-name.ts';
import { type LdapEntry, textsOf } from './ldap/entry.ts';
import {
  directGroupsOf,
  type KnownGroups,
  personAttributes,
  readAllGroups,
} from './ldap/groups.ts';
import { canSeeMembers, readGroupsAbove } from './ldap/groups-above.ts';
import { filterForIdentifier, readIdentifier } from './ldap/identifier.ts';
import { type LdapDirectoryOptions, requireFilters } from './ldap/options.ts';
import { searchOnce, searchPages } from './ldap/search.ts';
import { SharedConnection } from './ldap/shared-connection.ts';
import { hashFacts } from './listing-fingerprint.ts';
import { ABSENT, answerOrUnknown, unknownBecause } from './look-up-answer.ts';
import type { Directory, DirectoryAnswer, DirectoryPage } from './port.ts';

/**
 * An LDAP server: Active Directory, OpenLDAP, 389 Directory Server (and FreeIPA). A
 * listing is one paged search over one connection to one server, so that two replicas
 * never make up a list. `disabled`: shut for good. `unassigned`: not in the assignment
 * group, or in the directory and no longer within the filter.
 */
export function ldapDirectory(options: LdapDirectoryOptions): Directory {
  return new LdapDirectory(options);
}

class LdapDirectory implements Directory {
  readonly type = 'ldap';
  readonly capabilities;
  readonly #options: LdapDirectoryOptions;
  readonly #lookUps: SharedConnection;

  constructor(options: LdapDirectoryOptions) {
    this.#options = options;
    this.capabilities = { lookUp: true, groups: options.groups !== null };
    this.#lookUps = new SharedConnection((signal) => this.#connect(signal));
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    const { address, bindDn, server, base, filter, id, groups, assignmentGroup } = this.#options;
    const connection = await this.#connect(signal);
    try {
      const contexts = await readNamingContexts(connection, signal);
      // Not the name of the server: any domain controller may answer next time.
      const facts = { type: this.type, host: address.host, port: address.port, bindDn, server };
      const scope = { base, filter, id: `${id.attribute} ${id.format}`, assignmentGroup };
      return hashFacts({ ...facts, ...scope, groups: JSON.stringify(groups), contexts });
    } finally {
      connection.close();
    }
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    const { base, filter, groups, pageSize } = this.#options;
    const connection = await this.#connect(signal);
    try {
      const known =
        groups === null ? null : await readAllGroups(connection, groups, pageSize, signal);
      this.#requireAssignmentGroup(known);
      const search = { base, scope: 'sub', filter, attributes: this.#attributes() } as const;
      let page = 0;
      let assigned = false;
      for await (const { entries, last } of searchPages(connection, search, pageSize, signal)) {
        const members: DirectoryMember[] = [];
        for (const entry of entries) {
          members.push(await this.#toMember(connection, entry, known, signal));
        }
        page += 1;
        assigned ||= members.some(({ standing }) => standing !== 'unassigned');
        if (last && !assigned) this.#requireSomebodyAssigned();
        yield { members, next: last ? null : String(page), announcedTotal: null };
      }
    } finally {
      connection.close();
    }
  }

  lookUp(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    return answerOrUnknown(signal, () =>
      this.#lookUps.use(signal, (connection) => this.#ask(connection, id, signal)),
    );
  }

  async #ask(
    connection: LdapConnection,
    id: DirectoryId,
    signal: AbortSignal,
  ): Promise<DirectoryAnswer> {
    const { base, filter, id: identifier, groups } = this.#options;
    const byId = filterForIdentifier(identifier.attribute, id, identifier.format);
    if (byId === null) return ABSENT;
    const find = (wanted: Filter): Promise<readonly LdapEntry[]> =>
      searchOnce(
        connection,
        { base, scope: 'sub', filter: wanted, attributes: this.#attributes() },
        signal,
      );
    const inFilter = await find(
      new AndFilter({ filters: [FilterParser.parseString(filter), byId] }),
    );
    const found = inFilter.length > 0 ? inFilter : await find(byId);
    const [person, another] = found;
    if (person === undefined) return ABSENT;
    if (another !== undefined) return unknownBecause('Two entries have the same id.');
    const received = readIdentifier(person, identifier.attribute, identifier.format);
    if (received !== id) {
      return unknownBecause(
        `Asked for ${JSON.stringify(id)}, received ${JSON.stringify(received)}.`,
      );
    }
    const known =
      groups === null ? null : await readGroupsAbove(connection, person, groups, signal);
    const member = await this.#toMember(connection, person, known, signal);
    const { standing, label } = member;
    if (standing === 'unassigned' && !(await this.#canTellUnassigned(connection, signal))) {
      return unknownBecause('Expected the assignment group and its members, received none.');
    }
    const outside = inFilter.length === 0 && standing === 'present';
    return {
      standing: outside ? 'unassigned' : standing,
      groups: member.groups,
      label,
      because: null,
    };
  }

  async #canTellUnassigned(connection: LdapConnection, signal: AbortSignal): Promise<boolean> {
    const { assignmentGroup, groups } = this.#options;
    if (assignmentGroup === null || groups === null) return true;
    return canSeeMembers(connection, assignmentGroup, groups, signal);
  }

  async #toMember(
    connection: LdapConnection,
    entry: LdapEntry,
    known: KnownGroups | null,
    signal: AbortSignal,
  ): Promise<DirectoryMember> {
    const { id, server, groups, label, assignmentGroup, clock } = this.#options;
    const direct =
      groups === null || known === null
        ? []
        : await directGroupsOf(connection, entry, groups, known.bySid, signal);
    const all = known?.book.groupsOf(entry.dn, direct) ?? null;
    const assigned = assignmentGroup === null || isIn(all, assignmentGroup);
    return {
      id: readIdentifier(entry, id.attribute, id.format),
      standing: isShut(entry, server, clock()) ? 'disabled' : assigned ? 'present' : 'unassigned',
      groups: known === null || all === null ? null : known.book.namesOf(all),
      label: textsOf(entry, label)[0] ?? null,
    };
  }

  /** A group that is gone, renamed or hidden must not make everybody unassigned. */
  #requireAssignmentGroup(known: KnownGroups | null): void {
    const { assignmentGroup } = this.#options;
    if (assignmentGroup === null || known?.book.has(assignmentGroup)) return;
    throw new DirectoryError(
      'forbidden',
      'Expected the assignment group and its members, received none: it is gone, renamed, or the account may not read it.',
    );
  }

  /** Nobody at all: more likely the memberships are hidden than that all have left. */
  #requireSomebodyAssigned(): void {
    if (this.#options.assignmentGroup === null) return;
    throw new DirectoryError(
      'forbidden',
      'Expected somebody in the assignment group, received nobody: the account may not read who is.',
    );
  }

  #attributes(): string[] {
    const { id, label, server, groups } = this.#options;
    const ofGroups = groups === null ? [] : personAttributes(groups);
    return [id.attribute, label, ...STATE_ATTRIBUTES[server], ...ofGroups];
  }

  async #connect(signal: AbortSignal): Promise<LdapConnection> {
    const { address, bindDn, password, authorities, timeoutMs, pace = null } = this.#options;
    requireFilters(this.#options);
    const where = { ...address, ca: await authorities() };
    return LdapConnection.open(
      where,
      { bindDn, password: await password() },
      { timeoutMs, pace },
      signal,
    );
  }
}

/** RFC 4512 §5.1: what this server holds. */
async function readNamingContexts(
  connection: LdapConnection,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const attributes = ['namingContexts'];
  const search = { base: '', scope: 'base', filter: '(objectClass=*)', attributes } as const;
  const [root] = await searchOnce(connection, search, signal);
  return root === undefined ? [] : [...textsOf(root, 'namingContexts')].sort();
}

function isIn(groups: ReadonlySet<string> | null, dn: string): boolean {
  return groups?.has(canonicalDn(dn)) ?? false;
}
