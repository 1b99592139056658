import type { ScimAnswer, ScimCall, ScimRequest } from '../call.ts';
import { MAX_BULK_OPERATIONS } from '../discovery/service-provider-config.ts';
import { showError } from '../http/error-body.ts';
import { outcomeOf, outcomeOfError } from '../log/outcome.ts';
import { badRequest, ScimError, unforeseen } from '../scim-error.ts';

const REQUEST = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';
const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** How one request is carried out: `dispatch`, handed over because it leads here itself. */
export type Carry = (call: ScimCall, request: ScimRequest) => Promise<ScimAnswer>;

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly bulkId: string | null;
  readonly version: string | null;
  readonly data: unknown;
}

/**
 * `POST /Bulk` (RFC 7644 §3.7): one operation after the other, each for itself, until as
 * many have failed as the client allows. What an operation made is named by its `bulkId`
 * in those behind it; one that names what is only made later fails, and says so.
 * Throws `invalidSyntax`, and 413 beyond the limits that are announced.
 */
export async function answerBulk(
  call: ScimCall,
  request: ScimRequest,
  carry: Carry,
): Promise<ScimAnswer> {
  const { operations, failOnErrors } = readBulk(request.body);
  const made = new Map<string, string>();
  const results: object[] = [];
  let failed = 0;
  for (const operation of operations) {
    if (failOnErrors !== null && failed >= failOnErrors) break;
    const { result, id, ok, broke } = await carryOut(call, operation, made, carry);
    if (!ok) failed += 1;
    if (operation.bulkId !== null && id !== null) made.set(operation.bulkId, id);
    results.push(result);
    // What was carried out is told all the same; nothing behind a fault of ours is begun.
    if (broke) break;
  }
  return { status: 200, body: { schemas: [RESPONSE], Operations: results } };
}

interface Outcome {
  readonly result: object;
  /** Of what was made. */
  readonly id: string | null;
  readonly ok: boolean;
  /** Whether it failed for what nobody foresaw. */
  readonly broke: boolean;
}

async function carryOut(
  call: ScimCall,
  operation: Operation,
  made: ReadonlyMap<string, string>,
  carry: Carry,
): Promise<Outcome> {
  const { method, bulkId } = operation;
  const head = { method, ...(bulkId === null ? {} : { bulkId }) };
  const asked = { method, path: operation.path, body: operation.data };
  try {
    const request = requestOf(operation, made);
    const answer = await carry(call, request);
    const { status, etag, location } = answer;
    call.noteOperation(request, outcomeOf(answer));
    const id = location?.split('/').at(-1) ?? null;
    const at = location ?? `${call.baseUrl}${operation.path}`;
    const version = etag === undefined ? {} : { version: etag };
    const result = { ...head, location: at, ...version, status: String(status) };
    return { result, id, ok: true, broke: false };
  } catch (error) {
    const broke = !(error instanceof ScimError);
    if (broke) call.onFault(error);
    const told = broke ? unforeseen() : error;
    call.noteOperation(asked, outcomeOfError(told));
    const response = showError(told, call.reference);
    const at = method === 'POST' ? {} : { location: `${call.baseUrl}${operation.path}` };
    const result = { ...head, ...at, status: String(told.status), response };
    return { result, id: null, ok: false, broke };
  }
}

function requestOf(operation: Operation, made: ReadonlyMap<string, string>): ScimRequest {
  const path = replaceIds(operation.path, made);
  const [head = '', id, ...more] = path.split('/').filter((part) => part !== '');
  const named = (operation.method === 'POST') === (id === undefined);
  if (!['Users', 'Groups'].includes(head) || !named || more.length > 0) {
    throw badRequest('invalidPath', 'path must name Users or Groups, with an id unless by POST.');
  }
  return {
    method: operation.method,
    path,
    query: new Map(),
    body: resolveIds(operation.data, made),
    ifMatch: operation.version,
    ifNoneMatch: null,
  };
}

/** No resource and no PATCH of one is deeper. */
const DEEPEST = 32;

/** Puts the id that an operation made where its `bulkId:NAME` stands. */
function resolveIds(data: unknown, made: ReadonlyMap<string, string>, depth = 0): unknown {
  if (typeof data === 'string') return data.startsWith('bulkId:') ? idMade(data, made) : data;
  if (typeof data !== 'object' || data === null) return data;
  if (depth === DEEPEST) {
    throw badRequest('invalidSyntax', `data is nested more than ${DEEPEST} deep.`);
  }
  if (Array.isArray(data)) return data.map((one) => resolveIds(one, made, depth + 1));
  const entries = Object.entries(data).map(
    ([name, value]) => [name, resolveIds(value, made, depth + 1)] as const,
  );
  return Object.fromEntries(entries);
}

function replaceIds(path: string, made: ReadonlyMap<string, string>): string {
  const parts = path.split('/');
  return parts.map((part) => (part.startsWith('bulkId:') ? idMade(part, made) : part)).join('/');
}

function idMade(reference: string, made: ReadonlyMap<string, string>): string {
  const id = made.get(reference.slice('bulkId:'.length));
  if (id !== undefined) return id;
  throw new ScimError(
    409,
    null,
    'scim.bulk_id_unknown',
    'A bulkId names what was not made before.',
  );
}

function readBulk(body: unknown): {
  readonly operations: readonly Operation[];
  readonly failOnErrors: number | null;
} {
  const fields = fieldsOf(body);
  const schemas = fields.get('schemas');
  if (!Array.isArray(schemas) || !schemas.includes(REQUEST)) {
    throw badRequest('invalidSyntax', `schemas must name ${REQUEST}.`);
  }
  const operations = fields.get('operations');
  if (!Array.isArray(operations)) throw badRequest('invalidSyntax', 'Operations must be a list.');
  if (operations.length > MAX_BULK_OPERATIONS) {
    throw new ScimError(
      413,
      null,
      'scim.bulk_too_large',
      `At most ${MAX_BULK_OPERATIONS} operations are taken at once (maxOperations).`,
    );
  }
  const limit = fields.get('failonerrors');
  const failOnErrors =
    typeof limit === 'number' && Number.isInteger(limit) && limit > 0 ? limit : null;
  return { operations: operations.map(readOperation), failOnErrors };
}

function readOperation(raw: unknown): Operation {
  const fields = fieldsOf(raw);
  const text = (name: string): string | null => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : null;
  };
  const method = text('method')?.toUpperCase() ?? '';
  const [path, bulkId] = [text('path'), text('bulkid')];
  if (!METHODS.has(method))
    throw badRequest('invalidSyntax', 'method must be POST, PUT, PATCH or DELETE.');
  if (path === null) throw badRequest('invalidSyntax', 'Every operation needs a path.');
  if (method === 'POST' && bulkId === null) {
    throw badRequest('invalidSyntax', 'An operation with POST needs a bulkId.');
  }
  return { method, path, bulkId, version: text('version'), data: fields.get('data') };
}

function fieldsOf(raw: unknown): ReadonlyMap<string, unknown> {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
    return new Map(Object.entries(raw).map(([name, value]) => [name.toLowerCase(), value]));
  }
  throw badRequest('invalidSyntax', 'A JSON object was expected.');
}
