import { canonicalDn } from './distinguished-name.ts';

/** A group as it was listed. */
export interface LdapGroup {
  readonly dn: string;
  /** As the SAML assertion names it. */
  readonly name: string;
  /** Distinguished names of its direct members, people and groups, where the group says them. */
  readonly members: readonly string[];
  /** Distinguished names of the groups that it is itself in, where they are said here. */
  readonly parents: readonly string[];
}

/**
 * Who is in which groups, through groups that are in groups. Answers are remembered by
 * the set of direct groups, of which there are few: a million people cost no more.
 */
export class GroupBook {
  readonly #names = new Map<string, string>();
  /** The groups that somebody is directly in, by canonical name. */
  readonly #parents = new Map<string, string[]>();
  readonly #closures = new Map<string, ReadonlySet<string>>();
  readonly #nested: boolean;

  constructor(groups: Iterable<LdapGroup>, nested: boolean) {
    this.#nested = nested;
    for (const { dn, name, members, parents } of groups) {
      const group = canonicalDn(dn);
      this.#names.set(group, name);
      for (const parent of parents) this.#add(group, canonicalDn(parent));
      for (const member of members) this.#add(canonicalDn(member), group);
    }
  }

  /** How many groups there are. */
  get size(): number {
    return this.#names.size;
  }

  /** Whether there is a group of this name. */
  has(dn: string): boolean {
    return this.#names.has(canonicalDn(dn));
  }

  /**
   * Every group of somebody, by canonical name.
   *
   * @param more groups that the person's own entry names.
   */
  groupsOf(dn: string, more: readonly string[] = []): ReadonlySet<string> {
    const direct = [...(this.#parents.get(canonicalDn(dn)) ?? []), ...more.map(canonicalDn)].sort();
    const key = direct.join('\n');
    const known = this.#closures.get(key);
    if (known !== undefined) return known;
    const all = this.#nested ? this.#climb(direct) : new Set(direct);
    this.#closures.set(key, all);
    return all;
  }

  /** Their names, sorted; two groups of one name are one. */
  namesOf(groups: ReadonlySet<string>): readonly string[] {
    const names = [...groups].flatMap((group) => this.#names.get(group) ?? []);
    return [...new Set(names)].sort();
  }

  /** Groups may be in each other in a circle. */
  #climb(direct: readonly string[]): ReadonlySet<string> {
    const all = new Set(direct);
    for (const group of all) for (const parent of this.#parents.get(group) ?? []) all.add(parent);
    return all;
  }

  #add(member: string, group: string): void {
    const groups = this.#parents.get(member);
    if (groups === undefined) this.#parents.set(member, [group]);
    else groups.push(group);
  }
}
