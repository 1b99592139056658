import type { RoleReason } from './roles.ts';
import { type GrantReason, KEPT_GROUPS } from './user.ts';

/** What is kept with a grant of why a rule gave it. */
export function toGrantReason(reason: RoleReason): GrantReason {
  const groups = reason.groups.slice(0, KEPT_GROUPS);
  const more = reason.groups.length - groups.length;
  const aliases = reason.aliases.filter(({ group }) => groups.includes(group));
  return {
    ...reason.rule,
    groups,
    attributes: reason.attributes,
    ...(more > 0 ? { more } : {}),
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(reason.values.length > 0 ? { values: reason.values } : {}),
  };
}

/** The same the other way round, for a grant that stays as it is. */
export function toRoleReason(role: string, kept: GrantReason): RoleReason {
  const { file, line, groups, attributes, aliases = [], values = [] } = kept;
  return { role, rule: { file, line }, groups, aliases, attributes, values };
}
