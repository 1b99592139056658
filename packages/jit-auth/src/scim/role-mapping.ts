import { mapRoles, type RoleMapping } from '@rollcall/shared/core/roles';
import type { RoleFacts } from '@rollcall/shared/db/scim-groups';
import type { ScimConnection } from './connection.ts';
import type { ScimObject } from './resource/scim-value.ts';
import { ruledAttributes } from './resource/user-facts.ts';

type Known = Extract<RoleMapping, { kind: 'known' }>;

/** The roles that a user's groups and attributes give, by the same rules as at sign-in. */
export function scimRoles(
  { groups, resource }: Pick<RoleFacts, 'groups' | 'resource'>,
  connection: ScimConnection,
): Known {
  const input = {
    connection: connection.id,
    groups,
    aliases: connection.groupAliases,
    attributes: ruledAttributes(resource as ScimObject),
  };
  const mapping = mapRoles(input, connection.rules, connection.defaultRole);
  if (mapping.kind === 'known') return mapping;
  throw new RangeError('groups over SCIM are always known');
}

/** Whether a rule names a group: the members of another one get and lose nothing by it. */
export function isRuled(displayName: string, connection: ScimConnection): boolean {
  const facts = { groups: [displayName], resource: {} };
  return !scimRoles(facts, connection).unmatched.includes(displayName);
}
