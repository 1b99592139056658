import { isOpen, type Pattern, sayPattern } from '../core/pattern.ts';
import type { Finding } from './issues.ts';
import type { Outline, OutlineConnection, OutlineRule } from './outline.ts';
import { conflict, unknownConnection } from './relation-findings.ts';
import { quote } from './schema/fields.ts';
import type { KeyPath } from './yaml-document.ts';

/** What is wrong with how rules, roles and connections fit together. Pure. */
export function findRoleFaults(outline: Outline): Finding[] {
  return [
    ...outline.roles.flatMap((rule, i) => faultsOfRule(rule, ['roles', i], outline)),
    ...halfPrivilegedRoles(outline),
    ...faultsOfDefaultRole(outline),
  ];
}

function faultsOfRule(rule: OutlineRule, path: KeyPath, outline: Outline): Finding[] {
  const findings: Finding[] = [];
  if (rule.role === 'none') {
    const message = 'expected another name: none stands for no role at all (default_role: none)';
    findings.push(conflict([...path, 'role'], message));
  }
  if (rule.when !== undefined && !hasCondition(rule.when)) {
    const message = 'expected at least one condition: any_group, all_groups or attributes';
    findings.push({ path: [...path, 'when'], message, code: 'config.missing' });
  }
  for (const [index, id] of (rule.from ?? []).entries()) {
    findings.push(...unknownConnection(id, [...path, 'from', index], outline));
  }
  if (rule.privileged === true) {
    return [
      ...findings,
      ...faultsOfPrivilegedRule(rule, path),
      ...halfAliases(rule, path, outline),
    ];
  }
  return [...findings, ...patternsIn(rule, path, 'all_groups', ALL_GROUPS_REASON)];
}

const ALL_GROUPS_REASON =
  'all_groups takes exact names, so it would match nothing: patterns belong in any_group';
const ATTRIBUTE_REASON = 'a privileged role is given by exact names and values only';
const PRIVILEGED_REASON =
  'whoever can create a group whose name matches could give themselves this privileged role';

function faultsOfPrivilegedRule(rule: OutlineRule, path: KeyPath): Finding[] {
  const findings: Finding[] = [];
  if (rule.from === undefined) {
    const message =
      'is missing: a privileged role is given only by connections named here, so that no other IdP can claim it';
    findings.push({ path: [...path, 'from'], message, code: 'config.missing' });
  }
  if (rule.when !== undefined && !rule.when.any_group && !rule.when.all_groups) {
    const message = 'expected any_group or all_groups: a privileged role needs an exact group name';
    findings.push({ path: [...path, 'when'], message, code: 'config.missing' });
  }
  for (const key of ['any_group', 'all_groups'] as const) {
    findings.push(...patternsIn(rule, path, key, PRIVILEGED_REASON));
  }
  return [...findings, ...attributePatterns(rule, path)];
}

function patternsIn(
  rule: OutlineRule,
  path: KeyPath,
  key: 'any_group' | 'all_groups',
  reason: string,
): Finding[] {
  return openPatterns(rule.when?.[key], [...path, 'when', key], `an exact group name`, reason);
}

/** Nothing but the exact value narrows a privileged role as it is meant to be narrowed. */
function attributePatterns({ when }: OutlineRule, path: KeyPath): Finding[] {
  return Object.entries(when?.attributes ?? {}).flatMap(([name, values]) =>
    openPatterns(values, [...path, 'when', 'attributes', name], 'an exact value', ATTRIBUTE_REASON),
  );
}

function openPatterns(
  patterns: readonly Pattern[] | undefined,
  path: KeyPath,
  expected: string,
  reason: string,
): Finding[] {
  return (patterns ?? []).flatMap((pattern, index) => {
    if (!isOpen(pattern)) return [];
    const message = `expected ${expected}, received the pattern ${quote(sayPattern(pattern))}: ${reason}`;
    return [conflict([...path, index], message)];
  });
}

/**
 * A privileged role is given to exact groups of named connections. Where a name is the alias
 * of a group at one of them and some group's own name at another, it is two groups: they are
 * written in two rules, so that nobody gains the role by calling a group like an alias.
 */
function halfAliases(rule: OutlineRule, path: KeyPath, outline: Outline): Finding[] {
  const named = outline.connections.filter(({ id }) => id !== undefined && rule.from?.includes(id));
  return (['any_group', 'all_groups'] as const).flatMap((key) =>
    (rule.when?.[key] ?? []).flatMap((group, index): Finding[] => {
      const [aliased, own] = split(named, (one) => hasAlias(one, group));
      if (aliased.length === 0 || own.length === 0) return [];
      const message = `expected a group of one meaning, received ${quote(sayPattern(group))}, which is an alias at ${idsOf(aliased)} and none at ${idsOf(own)}: write a rule for each`;
      return [conflict([...path, 'when', key, index], message)];
    }),
  );
}

function hasAlias(connection: OutlineConnection, name: Pattern): boolean {
  return Object.values(connection.group_aliases ?? {}).some((alias) => alias === name);
}

function split<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [items.filter(first), items.filter((item) => !first(item))];
}

function idsOf(connections: readonly OutlineConnection[]): string {
  return connections.map(({ id }) => id).join(', ');
}

/** An alias means one group, and is the own name of none. */
export function faultsOfAliases(connection: OutlineConnection, index: number): Finding[] {
  const entries = Object.entries(connection.group_aliases ?? {});
  return entries.flatMap(([group, alias], position): Finding[] => {
    const path = ['connections', index, 'group_aliases', group];
    const first = entries.findIndex((other) => other[1] === alias);
    if (alias !== '' && first < position) {
      const message = `expected an alias of its own, received ${quote(alias)}, which ${quote(entries[first]?.[0] ?? '')} has already`;
      return [{ path, message, code: 'config.duplicate' }];
    }
    if (!entries.some(([other]) => other === alias)) return [];
    const message = `expected an alias that is the name or id of no group here, received ${quote(alias)}`;
    return [conflict(path, message)];
  });
}

function hasCondition(when: NonNullable<OutlineRule['when']>): boolean {
  const { any_group: any, all_groups: all, attributes } = when;
  // An empty list is refused by the schema already.
  return any !== undefined || all !== undefined || Object.keys(attributes ?? {}).length > 0;
}

/** One rule without the guard would give the role past the rules that have it. */
function halfPrivilegedRoles({ roles }: Outline): Finding[] {
  return roles.flatMap(({ role, privileged }, index) => {
    const guarded = roles.findIndex((other) => other.role === role && other.privileged === true);
    if (role === undefined || privileged === true || guarded < 0) return [];
    const message = `expected privileged: true in every rule for ${quote(role)}, as in roles.${guarded}: one rule without it would give the role past the guard`;
    return [conflict(['roles', index, 'role'], message)];
  });
}

function faultsOfDefaultRole({ default_role: role, roles }: Outline): Finding[] {
  const guarded = roles.some((rule) => rule.role === role && rule.privileged === true);
  if (role === undefined || !guarded) return [];
  const message = `expected a role that is not privileged, received ${quote(role)}: everybody would get it`;
  return [conflict(['default_role'], message)];
}
