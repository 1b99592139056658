import { AndFilter, EqualityFilter, type Filter, FilterParser, OrFilter } from 'ldapts';
import type { LdapConnection } from './connection.ts';
import { canonicalDn } from './distinguished-name.ts';
import type { LdapEntry } from './entry.ts';
import { GroupBook, type LdapGroup } from './group-book.ts';
import {
  type KnownGroups,
  type LdapGroupOptions,
  MEMBER,
  nameAttributes,
  nameOf,
  primarySidOf,
  rememberSid,
} from './groups.ts';
import { readAllValues } from './ranges.ts';
import { searchOnce } from './search.ts';

/** The groups above one person, level by level: what a listing of all groups would say of them. */
export async function readGroupsAbove(
  connection: LdapConnection,
  person: LdapEntry,
  options: LdapGroupOptions,
  signal: AbortSignal,
): Promise<KnownGroups> {
  const found = new Map<string, LdapGroup>();
  const bySid = new Map<string, string>();
  let below: readonly LdapEntry[] = [person];
  while (below.length > 0) {
    const above: LdapEntry[] = [];
    for (const entry of below) {
      for (const group of await directlyAbove(connection, entry, options, signal)) {
        const key = canonicalDn(group.dn);
        const seen = found.get(key);
        const members = [...(seen?.members ?? []), entry.dn];
        found.set(key, { dn: group.dn, name: nameOf(group, options), members, parents: [] });
        rememberSid(group, bySid);
        if (seen === undefined) above.push(group);
      }
    }
    below = options.nested ? above : [];
  }
  return { book: new GroupBook(found.values(), options.nested), bySid };
}

/** Whether a group is there and names its members, so that not being among them means something. */
export async function canSeeMembers(
  connection: LdapConnection,
  dn: string,
  { from, filter, neverEmpty }: LdapGroupOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const search = { base: dn, scope: 'base', filter, attributes: MEMBER } as const;
  const [group] = await searchOnce(connection, search, signal);
  if (group === undefined) return false;
  return from === 'member_of' || !neverEmpty || group.attributes.size > 0;
}

async function directlyAbove(
  connection: LdapConnection,
  entry: LdapEntry,
  options: LdapGroupOptions,
  signal: AbortSignal,
): Promise<readonly LdapEntry[]> {
  if (options.from === 'member') {
    const named = MEMBER.map((attribute) => new EqualityFilter({ attribute, value: entry.dn }));
    return findGroups(connection, new OrFilter({ filters: named }), options, signal);
  }
  const groups: LdapEntry[] = [];
  for (const dn of await readAllValues(connection, entry, 'memberOf', signal)) {
    groups.push(...(await readGroup(connection, dn, options, signal)));
  }
  const value = options.primary ? primarySidOf(entry) : null;
  if (value === null) return groups;
  const bySid = new EqualityFilter({ attribute: 'objectSid', value });
  return [...groups, ...(await findGroups(connection, bySid, options, signal))];
}

function findGroups(
  connection: LdapConnection,
  which: Filter,
  options: LdapGroupOptions,
  signal: AbortSignal,
): Promise<readonly LdapEntry[]> {
  const filter = new AndFilter({ filters: [FilterParser.parseString(options.filter), which] });
  const attributes = attributesOf(options);
  return searchOnce(connection, { base: options.base, scope: 'sub', filter, attributes }, signal);
}

/** A group outside of the base is not one of ours: the listing does not know it either. */
async function readGroup(
  connection: LdapConnection,
  dn: string,
  options: LdapGroupOptions,
  signal: AbortSignal,
): Promise<readonly LdapEntry[]> {
  if (!canonicalDn(dn).endsWith(`,${canonicalDn(options.base)}`)) return [];
  const search = { base: dn, scope: 'base', filter: options.filter } as const;
  return searchOnce(connection, { ...search, attributes: attributesOf(options) }, signal);
}

function attributesOf(options: LdapGroupOptions): readonly string[] {
  const names = nameAttributes(options);
  return options.from === 'member_of' ? [...names, 'memberOf'] : names;
}
