import { isOpen, matches, type Pattern, sayPattern } from './pattern.ts';

/** A rule of the configuration: who gets a role. All conditions given must hold. */
export interface RoleRule {
  readonly role: string;
  /** Such a role needs an exact group of a named connection: a pattern never grants it. */
  readonly privileged: boolean;
  readonly when: {
    /** At least one of these; in text `*` and `?` are wildcards. Empty: no such condition. */
    readonly anyGroup: readonly Pattern[];
    /** Every one of these, by its exact name. */
    readonly allGroups: readonly string[];
    /** Each attribute named must have a value that matches one of those given. */
    readonly attributes: Readonly<Record<string, readonly Pattern[]>>;
  };
  /** Connections that the rule holds for; null: every one. */
  readonly from: readonly string[] | null;
  /** Where the rule is written, for explanations. */
  readonly source: { readonly file: string; readonly line: number };
}

/** Roles that a privileged rule gives: the last who hold one stay (invariant 8). */
export function privilegedRoles(
  rules: readonly Pick<RoleRule, 'role' | 'privileged'>[],
): ReadonlySet<string> {
  return new Set(rules.filter((rule) => rule.privileged).map((rule) => rule.role));
}

/** What is known of a person when roles are mapped. */
export interface RoleInput {
  readonly connection: string;
  /** Null: the groups are not known. That is not the same as none. */
  readonly groups: readonly string[] | null;
  /**
   * Readable names that the configuration gives to groups of this connection, by the
   * groups' own names. A rule that names an alias means the group behind it and nothing
   * else: a group whose own name reads like an alias is not that group.
   */
  readonly aliases: ReadonlyMap<string, string>;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** What an identity provider calls a group, and what the configuration calls it. */
export interface GroupAlias {
  readonly group: string;
  readonly alias: string;
}

/** The values of an attribute that a rule asked for. */
export interface MatchedValues {
  readonly attribute: string;
  readonly values: readonly string[];
}

/** Why a role is held. */
export interface RoleReason {
  readonly role: string;
  readonly rule: { readonly file: string; readonly line: number };
  /** The groups' own names. */
  readonly groups: readonly string[];
  /** Of those of the groups that have one. */
  readonly aliases: readonly GroupAlias[];
  readonly attributes: readonly string[];
  readonly values: readonly MatchedValues[];
}

/** Why a rule gave nothing. */
export interface RoleMiss {
  readonly role: string;
  readonly rule: { readonly file: string; readonly line: number };
  readonly because:
    | 'other_connection'
    | 'no_group_matched'
    | 'group_missing'
    | 'attribute_mismatch'
    | 'groups_unknown';
  /** The groups or attribute names that were wanted. */
  readonly wanted: readonly string[];
}

/** The outcome of mapping: what sign-in, sweep and explanation all read. */
export type RoleMapping =
  | {
      readonly kind: 'known';
      /** Sorted, without duplicates. */
      readonly roles: readonly string[];
      readonly because: readonly RoleReason[];
      readonly missed: readonly RoleMiss[];
      /** Groups that no rule names: kept for explanation, never for access. */
      readonly unmatched: readonly string[];
      /** Whether the default role was given, because no rule matched. */
      readonly byDefault: boolean;
    }
  | { readonly kind: 'unknown'; readonly because: GroupsUnknown };

/**
 * Why groups are not known: the claim is not there, or the identity provider sent a link
 * in its place, as Entra does for more than 150 groups.
 */
export type GroupsUnknown = 'groups_missing' | 'groups_overflow';

/**
 * Maps groups and attributes to roles. Pure: the same input gives the same
 * roles, whatever the order of rules and groups. Sign-in, sweep, preview and
 * `explain` all call this one function.
 *
 * Missing groups give `unknown`, which changes no grant (invariant 9).
 *
 * @param defaultRole the role of whoever no rule matches; null refuses them.
 */
export function mapRoles(
  input: RoleInput,
  rules: readonly RoleRule[],
  defaultRole: string | null,
): RoleMapping {
  if (input.groups === null) return { kind: 'unknown', because: 'groups_missing' };
  const person = personOf(input, input.groups);
  const because: RoleReason[] = [];
  const missed: RoleMiss[] = [];
  for (const rule of rules) {
    const outcome = applyRule(rule, person);
    if ('because' in outcome) missed.push(outcome);
    else because.push(outcome);
  }
  const byDefault = because.length === 0 && defaultRole !== null;
  const roles = byDefault ? [defaultRole] : [...new Set(because.map((b) => b.role))].sort();
  const unmatched = person.groups.filter((group) => !rules.some((rule) => names(rule, group)));
  return {
    kind: 'known',
    roles,
    because,
    missed,
    unmatched: unmatched.map((group) => group.own),
    byDefault,
  };
}

/** A group that somebody is in. */
interface KnownGroup {
  readonly own: string;
  readonly alias: string | null;
  /** What a rule may call exactly this group: its own name and its alias. */
  readonly exact: ReadonlySet<string>;
}

interface Person {
  readonly connection: string;
  readonly groups: readonly KnownGroup[];
  /** Every exact name of every group. */
  readonly exact: ReadonlySet<string>;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

function personOf(input: RoleInput, given: readonly string[]): Person {
  const taken = new Set(input.aliases.values());
  const groups = [...new Set(given)].sort().map((own): KnownGroup => {
    const alias = input.aliases.get(own) ?? null;
    // Whoever may name a group must not thereby become a member of another one.
    const names = [own, ...(alias === null ? [] : [alias])].filter(
      (name) => name === alias || !taken.has(name),
    );
    return { own, alias, exact: new Set(names) };
  });
  const { connection, attributes } = input;
  const exact = new Set(groups.flatMap((group) => [...group.exact]));
  return { connection, groups, exact, attributes };
}

function applyRule(rule: RoleRule, person: Person): RoleReason | RoleMiss {
  const { when } = rule;
  const head = { role: rule.role, rule: rule.source };
  if (!holdsFor(rule, person.connection)) {
    return { ...head, because: 'other_connection', wanted: rule.from ?? [] };
  }
  const any = person.groups.filter((group) => matchesAny(group, rule));
  if (when.anyGroup.length > 0 && any.length === 0) {
    return { ...head, because: 'no_group_matched', wanted: when.anyGroup.map(sayPattern) };
  }
  const lacking = when.allGroups.filter((wanted) => !person.exact.has(wanted));
  if (lacking.length > 0) return { ...head, because: 'group_missing', wanted: lacking };
  const values = Object.keys(when.attributes).map((attribute) => ({
    attribute,
    values: valuesThatMatch(rule, person, attribute),
  }));
  const off = values.filter((one) => one.values.length === 0).map(({ attribute }) => attribute);
  if (off.length > 0) return { ...head, because: 'attribute_mismatch', wanted: off };
  const matched = new Set(any);
  const groups = person.groups.filter((group) => matched.has(group) || isNamed(group, rule));
  return {
    ...head,
    groups: groups.map((group) => group.own),
    aliases: groups.flatMap(({ own, alias }) => (alias === null ? [] : [{ group: own, alias }])),
    attributes: values.map(({ attribute }) => attribute),
    values,
  };
}

/** A privileged rule holds only for connections that it names. */
function holdsFor(rule: RoleRule, connection: string): boolean {
  if (rule.from === null) return !rule.privileged;
  return rule.from.includes(connection);
}

function valuesThatMatch(rule: RoleRule, person: Person, attribute: string): readonly string[] {
  const wanted = rule.when.attributes[attribute] ?? [];
  const given = person.attributes.get(attribute) ?? [];
  return given.filter((value) =>
    wanted.some((one) => (rule.privileged ? one === value : matches(value, one))),
  );
}

function names(rule: RoleRule, group: KnownGroup): boolean {
  return isNamed(group, rule) || matchesAny(group, rule);
}

function isNamed(group: KnownGroup, rule: RoleRule): boolean {
  return rule.when.allGroups.some((wanted) => group.exact.has(wanted));
}

/** A pattern never gives a privileged role; an exact name does, of the group or its alias. */
function matchesAny(group: KnownGroup, rule: RoleRule): boolean {
  return rule.when.anyGroup.some((pattern) => {
    if (typeof pattern === 'string' && group.exact.has(pattern)) return true;
    if (rule.privileged || !isOpen(pattern)) return false;
    return matches(group.own, pattern) || (group.alias !== null && matches(group.alias, pattern));
  });
}
