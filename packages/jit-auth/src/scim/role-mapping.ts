import type { UserId } from '@rollcall/shared/core/ids';
import { mapRoles, type RoleMapping } from '@rollcall/shared/core/roles';
import type { Tx } from '@rollcall/shared/db/database';
import { type RoleFacts, roleFactsOf } from '@rollcall/shared/db/scim-groups';
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

/** The same for those of the people given who are known over SCIM, as it is now. */
export async function readMappings(
  tx: Tx,
  people: readonly UserId[],
  connection: ScimConnection,
): Promise<ReadonlyMap<UserId, Known>> {
  const facts = await roleFactsOf(tx, people);
  return new Map(facts.map((one) => [one.userId, scimRoles(one, connection)]));
}

/** Whether a rule names a group: the members of another one get and lose nothing by it. */
export function isRuled(displayName: string, connection: ScimConnection): boolean {
  const facts = { groups: [displayName], resource: {} };
  return !scimRoles(facts, connection).unmatched.includes(displayName);
}
