import type { ScimGroupRecord, ScimMember } from '@rollcall/shared/db/scim-groups';
import { type Projection, project } from '../resource/projection.ts';
import type { ScimObject } from '../resource/scim-value.ts';
import { GROUP } from '../schema/group.ts';

/** The entity tag of a group. */
export function groupEtag({ version }: ScimGroupRecord): string {
  return `W/"${version}"`;
}

/** The address of a group. */
export function groupLocation(baseUrl: string, { id }: Pick<ScimGroupRecord, 'id'>): string {
  return `${baseUrl}/Groups/${id}`;
}

/** A group as a client gets it. */
export function showGroup(
  record: ScimGroupRecord,
  members: readonly ScimMember[],
  baseUrl: string,
  wanted: Projection,
): ScimObject {
  const shown = members.map(({ userId, display }) => ({
    value: userId,
    $ref: `${baseUrl}/Users/${userId}`,
    ...(display === null ? {} : { display }),
    type: 'User',
  }));
  const whole: ScimObject = {
    schemas: [GROUP.schema.id],
    id: record.id,
    ...(record.resource as ScimObject),
    ...(shown.length === 0 ? {} : { members: shown }),
    meta: {
      resourceType: 'Group',
      created: new Date(record.createdAt).toISOString(),
      lastModified: new Date(record.modifiedAt).toISOString(),
      location: groupLocation(baseUrl, record),
      version: groupEtag(record),
    },
  };
  return project(whole, GROUP, wanted);
}
