import type { Config, ConnectionConfig } from '@rollcall/shared/config/types';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { privilegedRoles, type RoleRule } from '@rollcall/shared/core/roles';

/** What the configuration says of a connection that is provisioned over SCIM. */
export interface ScimConnection {
  readonly id: ConnectionId;
  /** What `externalId` is: the name that assertions give a person, or the directory's. */
  readonly externalIdIs: 'subject' | 'directory_id';
  readonly rules: readonly RoleRule[];
  readonly defaultRole: string | null;
  /** See `RoleInput.aliases`. */
  readonly groupAliases: ReadonlyMap<string, string>;
  readonly privilegedRoles: ReadonlySet<string>;
  /** Subjects from whom nothing automatic takes access. */
  readonly protectedSubjects: ReadonlySet<string>;
  /** Domains that the connection may vouch for; empty: any. */
  readonly domains: readonly string[];
}

/** The connections of a configuration that take SCIM. */
export function scimConnections(config: Config): ReadonlyMap<string, ScimConnection> {
  const taking = config.connections.filter(({ provisioning }) => provisioning !== 'jit');
  return new Map(taking.map((connection) => [connection.id, scimConnection(config, connection)]));
}

function scimConnection(config: Config, connection: ConnectionConfig): ScimConnection {
  const protectedHere = config.protect.filter((entry) => entry.connection === connection.id);
  return {
    id: connection.id,
    externalIdIs: connection.directoryId === null ? 'subject' : 'directory_id',
    rules: config.roles,
    defaultRole: config.defaultRole,
    groupAliases: connection.groupAliases,
    privilegedRoles: privilegedRoles(config.roles),
    protectedSubjects: new Set(protectedHere.map(({ subject }) => subject)),
    domains: connection.domains,
  };
}
