import type { Directory } from './directory.ts';
import { fullName, type GroupRecord, type PersonRecord } from './people.ts';
import type { FilterAttributes } from './scim-filter.ts';

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** A SCIM resource as JSON. */
export type ScimResource = Readonly<Record<string, unknown>>;

export const USER_FILTERS: FilterAttributes<PersonRecord> = new Map([
  ['id', { read: (person: PersonRecord) => person.id, caseExact: true }],
  ['username', { read: (person: PersonRecord) => person.userName, caseExact: false }],
  ['externalid', { read: (person: PersonRecord) => person.externalId, caseExact: true }],
]);

export const GROUP_FILTERS: FilterAttributes<GroupRecord> = new Map([
  ['id', { read: (group: GroupRecord) => group.id, caseExact: true }],
  ['displayname', { read: (group: GroupRecord) => group.name, caseExact: false }],
]);

/** A User (RFC 7643 §4.1), its groups included, the assignment group among them. */
export function renderUser(
  person: PersonRecord,
  directory: Directory,
  baseUrl: string,
): ScimResource {
  return {
    schemas: [USER_SCHEMA],
    id: person.id,
    externalId: person.externalId,
    userName: person.userName,
    displayName: fullName(person),
    name: {
      formatted: fullName(person),
      givenName: person.givenName,
      familyName: person.familyName,
    },
    emails: [{ value: person.email, type: 'work', primary: true }],
    active: !person.disabled,
    groups: directory.groupsOf(person).map((group) => ({
      value: group.id,
      $ref: `${baseUrl}/Groups/${group.id}`,
      display: group.name,
      type: 'direct',
    })),
    meta: {
      resourceType: 'User',
      created: new Date(person.createdAt).toISOString(),
      lastModified: new Date(person.changedAt).toISOString(),
      location: `${baseUrl}/Users/${encodeURIComponent(person.id)}`,
    },
  };
}

/** A Group with its members (RFC 7643 §4.2). Removed people are members of nothing. */
export function renderGroup(
  group: GroupRecord,
  directory: Directory,
  baseUrl: string,
): ScimResource {
  const members = directory
    .listed()
    .filter((person) =>
      group.kind === 'assignment' ? person.assigned : person.groups.includes(group.name),
    );
  return {
    schemas: [GROUP_SCHEMA],
    id: group.id,
    displayName: group.name,
    members: members.map((person) => ({
      value: person.id,
      $ref: `${baseUrl}/Users/${encodeURIComponent(person.id)}`,
      display: fullName(person),
      type: 'User',
    })),
    meta: { resourceType: 'Group', location: `${baseUrl}/Groups/${group.id}` },
  };
}

/**
 * Leaves attributes out as `attributes` or `excludedAttributes` ask, by their
 * first name only; `id` and `schemas` always stay (RFC 7644 §3.9).
 */
export function projectResource(
  resource: ScimResource,
  attributes: string | undefined,
  excludedAttributes: string | undefined,
): ScimResource {
  const wanted = attributes === undefined ? undefined : firstNames(attributes);
  const unwanted = firstNames(excludedAttributes ?? '');
  const entries = Object.entries(resource).filter(([name]) => {
    if (name === 'id' || name === 'schemas') return true;
    const folded = name.toLowerCase();
    return wanted === undefined ? !unwanted.has(folded) : wanted.has(folded);
  });
  return Object.fromEntries(entries);
}

function firstNames(list: string): ReadonlySet<string> {
  // `urn:…:User:emails.value` is about `emails`: drop the schema, then the sub-attribute.
  return new Set(
    list
      .split(',')
      .map(
        (path) =>
          path
            .trim()
            .replace(/^urn:.*:/i, '')
            .split('.')[0] ?? '',
      )
      .filter((name) => name !== '')
      .map((name) => name.toLowerCase()),
  );
}
