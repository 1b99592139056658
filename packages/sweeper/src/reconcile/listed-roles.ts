import { mapRoles, type RoleRule } from '@rollcall/shared/core/roles';
import type { SweepPolicy } from './policy.ts';

/**
 * What the rules give for groups that a directory lists, sorted; null where only
 * `decide` can tell, because the groups are not known, or a rule that they satisfy asks
 * for attributes too.
 */
export type ListedRoles = (groups: readonly string[] | null) => readonly string[] | null;

/** How many groups, and how many combinations of them, are remembered at most. */
const REMEMBERED = 50_000;

/**
 * Makes that function for a policy. It says what `mapRoles` says, and asks it only once
 * for each kind of group and each combination of kinds: two groups are of one kind where
 * every rule takes the one wherever it takes the other. People have as many combinations
 * of groups as there are people; of kinds there are few, however large the directory is.
 */
export function listedRoles(policy: SweepPolicy): ListedRoles {
  const kinds = kindsOfGroups(policy);
  const known = new Map<string, readonly string[] | null>();
  return (groups) => {
    if (groups === null) return null;
    const found = new Set<number>();
    for (const group of groups) {
      const kind = kinds.kindOf(group);
      if (kind !== NAMED_BY_NO_RULE) found.add(kind);
    }
    const combination = [...found].sort((a, b) => a - b);
    const key = combination.join(' ');
    let roles = known.get(key);
    if (roles === undefined) {
      if (known.size >= REMEMBERED) known.clear();
      roles = rolesOf(combination.map(kinds.exampleOf), policy);
      known.set(key, roles);
    }
    return roles;
  };
}

const NAMED_BY_NO_RULE = 0;

/** Numbers for the kinds of groups, and one group of each. */
interface Kinds {
  kindOf(group: string): number;
  exampleOf(kind: number): string;
}

function kindsOfGroups(policy: SweepPolicy): Kinds {
  const conditions = policy.roles.rules.flatMap(conditionsOf);
  const byName = new Map<string, number>();
  const bySignature = new Map<string, number>([['', NAMED_BY_NO_RULE]]);
  const examples: string[] = [''];
  return {
    kindOf: (group) => {
      const remembered = byName.get(group);
      if (remembered !== undefined) return remembered;
      const signature = satisfied(group, conditions, policy).join(' ');
      let kind = bySignature.get(signature);
      if (kind === undefined) {
        kind = examples.push(group) - 1;
        bySignature.set(signature, kind);
      }
      if (byName.size >= REMEMBERED) byName.clear();
      byName.set(group, kind);
      return kind;
    },
    exampleOf: (kind) => examples[kind] ?? '',
  };
}

/** The conditions of a rule that one group can satisfy by itself, each as a rule of its own. */
function conditionsOf(rule: RoleRule): readonly RoleRule[] {
  const { anyGroup, allGroups } = rule.when;
  return [
    ...(anyGroup.length === 0 ? [] : [{ anyGroup, allGroups: [], attributes: {} }]),
    ...allGroups.map((group) => ({ anyGroup: [], allGroups: [group], attributes: {} })),
  ].map((when) => ({ ...rule, when }));
}

/** The places of the conditions that a group satisfies. */
function satisfied(
  group: string,
  conditions: readonly RoleRule[],
  policy: SweepPolicy,
): readonly number[] {
  return conditions.flatMap((condition, place) =>
    map([group], [condition], policy, null).roles.length > 0 ? [place] : [],
  );
}

function rolesOf(groups: readonly string[], policy: SweepPolicy): readonly string[] | null {
  const { rules, defaultRole } = policy.roles;
  const [plain, asking] = [rules.filter((rule) => !asks(rule)), rules.filter(asks)];
  const byGroupsAlone = asking.map((rule) => ({ ...rule, when: { ...rule.when, attributes: {} } }));
  if (map(groups, byGroupsAlone, policy, null).roles.length > 0) return null;
  return map(groups, plain, policy, defaultRole).roles;
}

function asks(rule: RoleRule): boolean {
  return Object.keys(rule.when.attributes).length > 0;
}

function map(
  groups: readonly string[],
  rules: readonly RoleRule[],
  policy: SweepPolicy,
  defaultRole: string | null,
): { readonly roles: readonly string[] } {
  const { connectionId: connection, roles } = policy;
  const mapping = mapRoles(
    { connection, groups, aliases: roles.aliases, attributes: new Map() },
    rules,
    defaultRole,
  );
  if (mapping.kind === 'known') return mapping;
  throw new RangeError('expected known groups, received unknown ones');
}
