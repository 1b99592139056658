import { badRequest } from '../scim-error.ts';

/** One operation as it was sent (RFC 7644 §3.5.2), its name in lower case. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string | null;
  /** Not read yet: what it has to be depends on the path. Undefined where none came. */
  readonly value: unknown;
}

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
/** More operations than any client sends for one resource. */
export const MAX_OPERATIONS = 1_000;
/**
 * Characters of all paths together: each may ask a filter of each of hundreds of values.
 * A thousand paths that select a member by id are half of it.
 */
const MAX_PATHS = 131_072;

/**
 * Reads the body of a PATCH. Names are taken in any case, and so are operations: Entra
 * sends `Add` and `Replace`. An empty list of operations changes nothing.
 * Throws `invalidSyntax`.
 */
export function readPatch(body: unknown): readonly PatchOperation[] {
  const { schemas, operations } = fieldsOf(body, ['schemas', 'operations']);
  if (schemas !== undefined && !namesPatch(schemas)) {
    throw badRequest('invalidSyntax', `schemas must name ${PATCH_SCHEMA}.`);
  }
  if (!Array.isArray(operations)) {
    throw badRequest('invalidSyntax', 'Operations must be a list.');
  }
  if (operations.length > MAX_OPERATIONS) {
    throw badRequest('tooMany', `There are more than ${MAX_OPERATIONS} operations.`);
  }
  const read = operations.map(readOperation);
  if (read.reduce((sum, operation) => sum + lengthOfPaths(operation), 0) > MAX_PATHS) {
    throw badRequest('tooMany', `The paths have more than ${MAX_PATHS} characters together.`);
  }
  return read;
}

/** Names of a value may be paths with a filter, too. */
function lengthOfPaths({ path, value }: PatchOperation): number {
  if (path !== null) return path.length;
  const names = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  return names.reduce((sum, name) => sum + (name.includes('[') ? name.length : 0), 0);
}

function readOperation(raw: unknown): PatchOperation {
  const { op, path, value } = fieldsOf(raw, ['op', 'path', 'value']);
  const name = typeof op === 'string' ? op.toLowerCase() : '';
  if (name !== 'add' && name !== 'replace' && name !== 'remove') {
    throw badRequest('invalidSyntax', 'op must be add, replace or remove.');
  }
  if (path !== undefined && path !== null && typeof path !== 'string') {
    throw badRequest('invalidPath', 'path must be a text.');
  }
  return { op: name, path: typeof path === 'string' && path !== '' ? path : null, value };
}

function namesPatch(schemas: unknown): boolean {
  const wanted = PATCH_SCHEMA.toLowerCase();
  const given: readonly unknown[] = Array.isArray(schemas) ? schemas : [null];
  // Some clients leave them out, and some leave the list empty: the address says it all.
  if (given.length === 0) return true;
  return given.some((one) => typeof one === 'string' && one.toLowerCase() === wanted);
}

/** The fields of an object by their names in lower case. */
function fieldsOf<Name extends string>(
  raw: unknown,
  names: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw badRequest('invalidSyntax', 'A JSON object was expected.');
  }
  const fields: Partial<Record<Name, unknown>> = {};
  for (const [given, value] of Object.entries(raw)) {
    const name = names.find((one) => one === given.toLowerCase());
    if (name === undefined) continue;
    if (name in fields) throw badRequest('invalidSyntax', `${name} is given twice.`);
    fields[name] = value;
  }
  return fields;
}
