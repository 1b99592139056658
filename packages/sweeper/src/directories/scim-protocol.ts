import { type Fields, readFields } from './answer-fields.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';

const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:error';
const JSON_TYPES = new Set(['application/scim+json', 'application/json']);

/** RFC 7644 §3.1: `application/json` for servers that know no other. */
export const SCIM_HEADERS = { accept: 'application/scim+json, application/json;q=0.9' };

/** What a server says of itself that changes how it is listed (RFC 7643 §5, RFC 9865 §4). */
export interface ScimDialect {
  readonly sortable: boolean;
  /** Page by cursors (RFC 9865) instead of indexes. */
  readonly cursors: boolean;
  /** The most rows on a page; null where the server does not say. */
  readonly maxPageSize: number | null;
}

/** A server without `/ServiceProviderConfig`: the common ground of RFC 7644. */
const PLAIN: ScimDialect = { sortable: false, cursors: false, maxPageSize: null };

/**
 * Reads `/ServiceProviderConfig` (RFC 7644 §4). Servers without it exist: they
 * are asked in the plainest way. Throws `DirectoryError`.
 */
export async function readDialect(http: HttpClient, signal: AbortSignal): Promise<ScimDialect> {
  const answer = await http.send(
    { target: '/ServiceProviderConfig', headers: SCIM_HEADERS, expects: [404, 501] },
    signal,
  );
  if (answer.status !== 200) return PLAIN;
  const fields = readFields(answer.body, 'ServiceProviderConfig');
  const sort = optionalFields(attributeOf(fields, 'sort'));
  const pagination = optionalFields(attributeOf(fields, 'pagination'));
  const cursor = pagination.cursor === true;
  const byDefault = pagination.defaultPaginationMethod === 'cursor';
  const most = pagination.maxPageSize;
  return {
    sortable: sort.supported === true,
    cursors: cursor && (byDefault || pagination.index === false),
    maxPageSize: typeof most === 'number' && Number.isSafeInteger(most) && most > 0 ? most : null,
  };
}

/**
 * The value of an attribute; undefined where it is missing. Names are compared
 * without regard to case (RFC 7643 §2.1): an `Active: false` that is overlooked
 * would keep a leaver.
 */
export function attributeOf(fields: Fields, name: string): unknown {
  if (Object.hasOwn(fields, name)) return fields[name];
  const folded = name.toLowerCase();
  const key = Object.keys(fields).find((candidate) => candidate.toLowerCase() === folded);
  return key === undefined ? undefined : fields[key];
}

/**
 * Whether an answer is an error in the shape of RFC 7644 §3.12 that states this
 * status. A gateway or a wrong path answers 404 too, in JSON even, but not so.
 */
export function isScimError({ status, mediaType, body }: HttpAnswer, wanted: number): boolean {
  if (status !== wanted || !JSON_TYPES.has(mediaType)) return false;
  const fields = optionalFields(body);
  const schemas = fields.schemas;
  if (!Array.isArray(schemas)) return false;
  const named = schemas.some(
    (schema) => typeof schema === 'string' && schema.toLowerCase() === ERROR_SCHEMA,
  );
  return named && String(fields.status) === String(wanted);
}

function optionalFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}
