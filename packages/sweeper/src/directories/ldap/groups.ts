import { DirectoryError } from '../directory-error.ts';
import type { LdapConnection } from './connection.ts';
import { type LdapEntry, textOf, textsOf, valuesOf } from './entry.ts';
import { GroupBook, type LdapGroup } from './group-book.ts';
import { readAllValues } from './ranges.ts';
import { searchPages } from './search.ts';

/** Where groups are, and on which side their members are written. */
export interface LdapGroupOptions {
  readonly base: string;
  readonly filter: string;
  /** `member`: the group names its members; `member_of`: each member names its groups. */
  readonly from: 'member' | 'member_of';
  /** Attribute that is the group's name in assertions, or `dn` for the whole name. */
  readonly name: string;
  /** Whether the groups of a group count. */
  readonly nested: boolean;
  /** Active Directory: everybody is in one group that neither side names. */
  readonly primary: boolean;
  /** A group without members cannot be (RFC 4519 §3.5): if it has none, they are hidden. */
  readonly neverEmpty: boolean;
}

/** Groups as far as they are known: all of them, or those above one person. */
export interface KnownGroups {
  readonly book: GroupBook;
  /** Names of groups by their SID, hexadecimal. */
  readonly bySid: ReadonlyMap<string, string>;
}

/** The attributes in which groups name their members (RFC 4519 §2.17, §2.40). */
export const MEMBER = ['member', 'uniqueMember'] as const;

/** What to ask for of each person, so that {@link directGroupsOf} finds it. */
export function personAttributes(options: LdapGroupOptions): readonly string[] {
  const primary = options.primary ? ['primaryGroupID', 'objectSid'] : [];
  return options.from === 'member_of' ? ['memberOf', ...primary] : primary;
}

/** Every group; null where there is none to see, or one hides its members. Throws `DirectoryError`. */
export async function readAllGroups(
  connection: LdapConnection,
  options: LdapGroupOptions,
  pageSize: number,
  signal: AbortSignal,
): Promise<KnownGroups | null> {
  const groups: LdapGroup[] = [];
  const bySid = new Map<string, string>();
  const sides = options.from === 'member' ? MEMBER : (['memberOf'] as const);
  const attributes = [...nameAttributes(options), ...sides];
  const search = { base: options.base, scope: 'sub', filter: options.filter, attributes } as const;
  for await (const page of searchPages(connection, search, pageSize, signal)) {
    for (const entry of page.entries) {
      const lists = [];
      for (const side of sides) lists.push(await readAllValues(connection, entry, side, signal));
      const related = lists.flat();
      if (options.from === 'member' && options.neverEmpty && related.length === 0) return null;
      const relation =
        options.from === 'member'
          ? { members: related, parents: [] }
          : { members: [], parents: related };
      groups.push({ dn: entry.dn, name: nameOf(entry, options), ...relation });
      rememberSid(entry, bySid);
    }
  }
  if (groups.length === 0) return null;
  return { book: new GroupBook(groups, options.nested), bySid };
}

/** The groups that the person's own entry names. Throws `DirectoryError`. */
export async function directGroupsOf(
  connection: LdapConnection,
  person: LdapEntry,
  options: LdapGroupOptions,
  bySid: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const named =
    options.from === 'member_of' ? await readAllValues(connection, person, 'memberOf', signal) : [];
  const sid = options.primary ? primarySidOf(person) : null;
  const primary = sid === null ? undefined : bySid.get(sid.toString('hex'));
  return primary === undefined ? named : [...named, primary];
}

/** What to ask for of a group besides its members. */
export function nameAttributes(options: LdapGroupOptions): readonly string[] {
  const name = options.name === 'dn' ? [] : [options.name];
  return options.primary ? [...name, 'objectSid'] : name;
}

/** The name of a group, as assertions have it. Throws `DirectoryError` where it has none. */
export function nameOf(group: LdapEntry, options: LdapGroupOptions): string {
  const name = options.name === 'dn' ? group.dn : textsOf(group, options.name)[0];
  if (name !== undefined) return name;
  throw new DirectoryError('malformed_answer', `Expected ${options.name} of each group.`);
}

/** Remembers under which SID a group goes. */
export function rememberSid(group: LdapEntry, bySid: Map<string, string>): void {
  const [sid] = valuesOf(group, 'objectSid');
  if (sid !== undefined) bySid.set(sid.toString('hex'), group.dn);
}

/**
 * The SID of the primary group, null where the entry does not say it. It is the
 * person's own but for the last four bytes, the part that its domain gave (MS-DTYP §2.4.2).
 */
export function primarySidOf(person: LdapEntry): Buffer | null {
  const [sid] = valuesOf(person, 'objectSid');
  const rid = Number(textOf(person, 'primaryGroupID') ?? Number.NaN);
  if (sid === undefined || sid.length < 12 || !Number.isSafeInteger(rid)) return null;
  const primary = Buffer.from(sid);
  primary.writeUInt32LE(rid, primary.length - 4);
  return primary;
}
