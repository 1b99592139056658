import type { DirectoryId } from '@rollcall/shared/core/ids';
import { type Fields, readFields, readFlag, readId, readLabel, readList } from './answer-fields.ts';
import { attributeOf } from './scim-protocol.ts';

/** One entry of a user's `groups` (RFC 7643 §4.1.2). */
export interface ScimGroupEntry {
  readonly id: string | null;
  readonly name: string | null;
}

/** A User as far as it matters here. */
export interface ScimUser {
  readonly id: DirectoryId;
  /** False only where the server says so. */
  readonly active: boolean;
  readonly label: string | null;
  /** Null where the attribute is missing, which is not the same as empty. */
  readonly groups: readonly ScimGroupEntry[] | null;
}

/** Reads a User. Throws `DirectoryError` with the fault `malformed_answer`. */
export function readUser(value: unknown, where: string): ScimUser {
  const fields = readFields(value, where);
  return {
    id: readId(attributeOf(fields, 'id'), where),
    active: readActive(fields, where),
    label:
      readLabel(attributeOf(fields, 'userName')) ?? readLabel(attributeOf(fields, 'displayName')),
    groups: readGroupEntries(attributeOf(fields, 'groups'), where),
  };
}

/** RFC 7643 §2.5: null and missing are the same. A text such as "False" is no answer. */
function readActive(fields: Fields, where: string): boolean {
  const active = attributeOf(fields, 'active') ?? null;
  return active === null ? true : readFlag(active, `active of ${where}`);
}

function readGroupEntries(value: unknown, where: string): readonly ScimGroupEntry[] | null {
  if (value === undefined || value === null) return null;
  return readList(value, `groups of ${where}`).map((entry) => {
    const fields = readFields(entry, `a group of ${where}`);
    return {
      id: readLabel(attributeOf(fields, 'value')),
      name: readLabel(attributeOf(fields, 'display')),
    };
  });
}
