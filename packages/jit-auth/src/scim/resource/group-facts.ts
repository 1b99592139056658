import { GROUP } from '../schema/group.ts';
import { badRequest } from '../scim-error.ts';
import { fold, foldResource } from './fold.ts';
import { heldAt, type ScimObject } from './scim-value.ts';

/** What of a group's attributes is looked for. */
export interface GroupFacts {
  readonly displayName: string;
  readonly displayNameKey: string;
  readonly externalId: string | null;
  readonly resource: ScimObject;
  readonly search: ScimObject;
}

/** An index of Postgres holds no longer text. */
const LONGEST = 512;

/** What follows from a group's attributes, without its members. Pure. Throws `invalidValue`. */
export function groupFacts(resource: ScimObject): GroupFacts {
  const displayName = shortText(resource, 'displayName') ?? '';
  return {
    displayName,
    displayNameKey: fold(displayName),
    externalId: shortText(resource, 'externalId'),
    resource,
    search: foldResource({ ...resource, schemas: [GROUP.schema.id] }, GROUP),
  };
}

function shortText(resource: ScimObject, name: string): string | null {
  const value = heldAt(resource, name);
  if (typeof value !== 'string') return null;
  if (fold(value).length <= LONGEST) return value;
  throw badRequest('invalidValue', `${name} has at most ${LONGEST} characters.`);
}
