import type { RolesMode } from '../access/change.ts';
import type { Config, ConnectionConfig } from '../config/types.ts';
import { mapRoles, type RoleMapping } from '../core/roles.ts';
import type { User } from '../core/user.ts';

/** What of a configuration decides the roles of the users of one connection. */
export interface ConnectionRules {
  readonly rules: Config['roles'];
  readonly defaultRole: string | null;
  readonly aliases: ReadonlyMap<string, string>;
  readonly mode: RolesMode;
}

/** The rules for a connection; null where the configuration does not have it. */
export function rulesFor(config: Config, id: ConnectionConfig['id']): ConnectionRules | null {
  const connection = config.connections.find((one) => one.id === id);
  if (connection === undefined) return null;
  const { roles: rules, defaultRole } = config;
  return { rules, defaultRole, aliases: connection.groupAliases, mode: connection.roles };
}

/** What the rules give a user for the groups and attributes that were seen last. */
export function mapUser(user: User, rules: Omit<ConnectionRules, 'mode'>): RoleMapping {
  const { connectionId: connection, groups, attributes } = user;
  const input = { connection, groups, aliases: rules.aliases, attributes };
  return mapRoles(input, rules.rules, rules.defaultRole);
}
