import { createHash } from 'node:crypto';
import type { Config, ConnectionConfig, DirectoryConfig } from './types.ts';

/** The parts of a configuration that a connection's scope and roles follow from. */
export type FingerprintParts = Pick<Config, 'roles' | 'defaultRole' | 'protect'>;

/**
 * A hash over what decides who is in the scope of a connection and which roles
 * follow: directory, subject, mapping, rules, protection. Where it changes, the
 * next sweep only plans. The order of rules and the lines on which they stand do
 * not matter, and no secret or reference to one goes in. 64 hexadecimal digits.
 */
export function configFingerprint(connection: ConnectionConfig, parts: FingerprintParts): string {
  const rules = parts.roles
    .filter((rule) => rule.from === null || rule.from.includes(connection.id))
    .map(({ role, privileged, when }) => canonicalize({ role, privileged, when: sortLists(when) }));
  const silence = connection.sweep?.silence ?? null;
  return hash({
    connection: connection.id,
    directory: identityOf(connection.directory),
    // Left out where there is none: configurations of before keep their fingerprint.
    ...(silence === null ? {} : { silence: silence.deactivateDays }),
    ...missesOf(connection),
    subject: connection.subject,
    directoryId: connection.directoryId,
    groups: [...connection.attributes.groups].sort(),
    groupsSplit: connection.attributes.groupsSplit,
    groupAliases: Object.fromEntries(connection.groupAliases),
    roleMode: connection.roles,
    rules: [...new Set(rules)].sort(),
    defaultRole: parts.defaultRole,
    protect: parts.protect
      .filter((entry) => entry.connection === connection.id)
      .map((entry) => entry.subject)
      .sort(),
  });
}

/** How often a roster must lack somebody: what counts as gone is changed by it. */
function missesOf({ directory, sweep }: ConnectionConfig): Record<string, number> {
  if (directory.type !== 'roster' || sweep === null) return {};
  return { misses: sweep.misses, missesApart: sweep.missesApartMs };
}

/** A hash over which directory is asked and for whom: tenant, application, filter, scope. */
export function directoryFingerprint(connection: Pick<ConnectionConfig, 'directory'>): string {
  return hash(identityOf(connection.directory));
}

function identityOf(directory: DirectoryConfig): Record<string, string | null> {
  switch (directory.type) {
    case 'scim':
      return { type: 'scim', url: directory.url, assignmentGroup: directory.assignmentGroup };
    case 'keycloak':
      return {
        type: 'keycloak',
        url: directory.url,
        realm: directory.realm,
        clientId: directory.clientId,
      };
    case 'roster':
      return {
        type: 'roster',
        place: directory.place.roster,
        format: directory.format,
        ...directory.columns,
        words: [...directory.activeWords, '', ...directory.inactiveWords].join('\n'),
      };
    case 'ldap': {
      const { server, base, filter, id, groups, assignmentGroup } = directory;
      const { host, port } = directory.address;
      const listed = { server, base, filter, id: `${id.attribute} ${id.format}`, assignmentGroup };
      const ofGroups = Object.values(groups).join(' ');
      return { type: 'ldap', host, port: String(port), ...listed, groups: ofGroups };
    }
    case 'entra': {
      const { url, tenant, appId, groups } = directory;
      return { type: 'entra', url, tenant, app: appId, groups };
    }
    case 'okta':
      // Not the service app: another one is asked about the same people.
      return { type: 'okta', url: directory.url, app: directory.appId, groups: directory.groups };
    case 'none':
      return { type: 'none' };
    default:
      return directory satisfies never;
  }
}

/** `any_group: [a, b]` and `[b, a]` mean the same. */
function sortLists(value: unknown): unknown {
  // Expressions are mappings: what they are compared by is their text.
  if (Array.isArray(value)) return value.map(canonicalize).sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, sortLists(part)]));
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonicalize(value)).digest('hex');
}

/** JSON with the keys of every mapping in order: equal values give equal text. */
function canonicalize(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => `${JSON.stringify(key)}:${canonicalize(part)}`);
  return `{${parts.join(',')}}`;
}
