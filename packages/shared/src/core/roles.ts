/** A rule of the configuration: who gets a role. All conditions given must hold. */
export interface RoleRule {
  readonly role: string;
  /** Such a role needs an exact group of a named connection: a pattern never grants it. */
  readonly privileged: boolean;
  readonly when: {
    /** At least one of these; `*` and `?` are wildcards. Empty: no such condition. */
    readonly anyGroup: readonly string[];
    /** Every one of these. */
    readonly allGroups: readonly string[];
    /** Each attribute named must have one of the values given. */
    readonly attributes: Readonly<Record<string, readonly string[]>>;
  };
  /** Connections that the rule holds for; null: every one. */
  readonly from: readonly string[] | null;
  /** Where the rule is written, for explanations. */
  readonly source: { readonly file: string; readonly line: number };
}

/** What is known of a person when roles are mapped. */
export interface RoleInput {
  readonly connection: string;
  /** Null: the groups are not known. That is not the same as none. */
  readonly groups: readonly string[] | null;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** Why a role is held. */
export interface RoleReason {
  readonly role: string;
  readonly rule: { readonly file: string; readonly line: number };
  readonly groups: readonly string[];
  readonly attributes: readonly string[];
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
  | { readonly kind: 'unknown'; readonly because: 'groups_missing' };

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
  const groups = [...new Set(input.groups)].sort();
  const because: RoleReason[] = [];
  const missed: RoleMiss[] = [];
  for (const rule of rules) {
    const outcome = applyRule(rule, input, groups);
    if ('because' in outcome) missed.push(outcome);
    else because.push(outcome);
  }
  const byDefault = because.length === 0 && defaultRole !== null;
  const roles = byDefault ? [defaultRole] : [...new Set(because.map((b) => b.role))].sort();
  const unmatched = groups.filter((group) => !rules.some((rule) => namesGroup(rule, group)));
  return { kind: 'known', roles, because, missed, unmatched, byDefault };
}

function applyRule(
  rule: RoleRule,
  input: RoleInput,
  groups: readonly string[],
): RoleReason | RoleMiss {
  const head = { role: rule.role, rule: rule.source };
  if (!holdsFor(rule, input.connection)) {
    return { ...head, because: 'other_connection', wanted: rule.from ?? [] };
  }
  const any = groups.filter((group) => matchesAny(group, rule.when.anyGroup, rule.privileged));
  if (rule.when.anyGroup.length > 0 && any.length === 0) {
    return { ...head, because: 'no_group_matched', wanted: rule.when.anyGroup };
  }
  const lacking = rule.when.allGroups.filter((wanted) => !groups.includes(wanted));
  if (lacking.length > 0) return { ...head, because: 'group_missing', wanted: lacking };
  const attributes = Object.keys(rule.when.attributes);
  const off = attributes.filter((name) => !hasValue(rule, input, name));
  if (off.length > 0) return { ...head, because: 'attribute_mismatch', wanted: off };
  return { ...head, groups: [...new Set([...any, ...rule.when.allGroups])].sort(), attributes };
}

/** A privileged rule holds only for connections that it names. */
function holdsFor(rule: RoleRule, connection: string): boolean {
  if (rule.from === null) return !rule.privileged;
  return rule.from.includes(connection);
}

function hasValue(rule: RoleRule, input: RoleInput, name: string): boolean {
  const wanted = Object.hasOwn(rule.when.attributes, name) ? rule.when.attributes[name] : undefined;
  const given = input.attributes.get(name);
  return (wanted ?? []).some((value) => given?.includes(value) ?? false);
}

function namesGroup(rule: RoleRule, group: string): boolean {
  return (
    rule.when.allGroups.includes(group) || matchesAny(group, rule.when.anyGroup, rule.privileged)
  );
}

function matchesAny(group: string, patterns: readonly string[], exactOnly: boolean): boolean {
  return patterns.some((pattern) =>
    exactOnly ? pattern === group : matchesPattern(group, pattern),
  );
}

/**
 * Whether a name matches a pattern in which `*` stands for any characters and
 * `?` for one. Linear in memory and at most |name| × |pattern| steps: group
 * names come from outside, so no pattern may be made to backtrack for ever.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  let n = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      n += pattern[p] === '?' ? widthAt(name, n) : 1;
      p++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === '*') p++;
  return p === pattern.length;
}

/** A character outside the Basic Multilingual Plane is two units of a string, and one `?`. */
function widthAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}
