import type { Config, ConnectionConfig } from '@rollcall/shared/config/types';
import type { ProvisioningPolicy } from './decide.ts';

/** What the configuration says of provisioning by one connection. */
export function provisioningPolicy(
  config: Config,
  connection: ConnectionConfig,
): ProvisioningPolicy {
  const { subject, attributes } = connection;
  return {
    connectionId: connection.id,
    subject:
      subject.kind === 'attribute'
        ? { kind: 'attribute', attribute: subject.name }
        : { kind: 'name_id' },
    directoryIdAttribute: connection.directoryId?.attribute ?? null,
    attributes: {
      email: attributes.email ?? null,
      givenName: attributes.givenName ?? null,
      familyName: attributes.familyName ?? null,
      groups: attributes.groups,
      groupsSplit: attributes.groupsSplit,
    },
    domains: connection.domains,
    groupAliases: connection.groupAliases,
    rules: config.roles,
    defaultRole: config.defaultRole,
    protectedSubjects: new Set(
      config.protect
        .filter((entry) => entry.connection === connection.id)
        .map((entry) => entry.subject),
    ),
  };
}
