import type { GroupOfUser, ScimUserRecord } from '@rollcall/shared/db/scim-users';
import { type Projection, project } from '../resource/projection.ts';
import { heldAt, isScimObject, type ScimObject, withValue } from '../resource/scim-value.ts';
import { schemasOf } from '../resource/user-facts.ts';
import { ENTERPRISE_USER } from '../schema/enterprise-user.ts';
import { USER } from '../schema/user.ts';

/** The entity tag of a user (RFC 7644 §3.14): what an administrator did counts, too. */
export function userEtag({ version, active }: ScimUserRecord): string {
  return `W/"${version}.${active ? 1 : 0}"`;
}

/** The address of a user. */
export function userLocation(baseUrl: string, { id }: Pick<ScimUserRecord, 'id'>): string {
  return `${baseUrl}/Users/${id}`;
}

/** A user as a client gets it. */
export function showUser(
  record: ScimUserRecord,
  groups: readonly GroupOfUser[],
  baseUrl: string,
  wanted: Projection,
): ScimObject {
  const resource = record.resource as ScimObject;
  const whole: ScimObject = {
    schemas: schemasOf(resource),
    id: record.id,
    ...withManager(resource, baseUrl),
    active: record.active,
    ...(groups.length === 0 ? {} : { groups: groups.map((group) => showGroup(group, baseUrl)) }),
    meta: {
      resourceType: 'User',
      created: new Date(record.createdAt).toISOString(),
      lastModified: new Date(record.modifiedAt).toISOString(),
      location: userLocation(baseUrl, record),
      version: userEtag(record),
    },
  };
  return project(whole, USER, wanted);
}

function showGroup({ groupId, displayName }: GroupOfUser, baseUrl: string): ScimObject {
  return {
    value: groupId,
    $ref: `${baseUrl}/Groups/${groupId}`,
    display: displayName,
    type: 'direct',
  };
}

/** The manager's address is ours to say, whatever a client sent. */
function withManager(resource: ScimObject, baseUrl: string): ScimObject {
  const employer = heldAt(resource, ENTERPRISE_USER.id);
  const manager = isScimObject(employer) ? heldAt(employer, 'manager') : undefined;
  const id = isScimObject(manager) ? heldAt(manager, 'value') : undefined;
  if (!isScimObject(employer) || !isScimObject(manager) || typeof id !== 'string') return resource;
  const told = withValue(manager, '$ref', `${baseUrl}/Users/${encodeURIComponent(id)}`);
  return withValue(resource, ENTERPRISE_USER.id, withValue(employer, 'manager', told));
}
