import { type Fields, readCount, readFields, readId, readList, readText } from './answer-fields.ts';
import { DirectoryError } from './directory-error.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { attributeOf, SCIM_HEADERS, type ScimDialect } from './scim-protocol.ts';

/** Which resources are listed, and how. */
export interface ScimListing {
  readonly http: HttpClient;
  readonly dialect: ScimDialect;
  /** `/Users` or `/Groups`. */
  readonly path: string;
  /** Rows to ask for on each page. */
  readonly pageSize: number;
  /** Repeated with every page, as RFC 9865 §2 demands. */
  readonly query?: Readonly<Record<string, string>>;
}

/** A resource and its id. */
export interface ScimRow {
  readonly id: string;
  readonly fields: Fields;
}

/** One ListResponse (RFC 7644 §3.4.2). */
export interface ListResponse {
  readonly rows: readonly ScimRow[];
  readonly total: number | null;
  readonly startIndex: number | null;
  readonly nextCursor: string | null;
}

/** How many rows are asked for: what is wanted, and no more than the server gives. */
export function countOf({ dialect, pageSize }: ScimListing): number {
  return Math.min(pageSize, dialect.maxPageSize ?? pageSize);
}

/**
 * Reads one page. Null where the server answers 400 to the position: an expired
 * cursor (RFC 9865 §2.1), or an index that it does not like.
 */
export async function readPage(
  listing: ScimListing,
  position: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ListResponse | null> {
  const { http, path, query } = listing;
  const answer: HttpAnswer = await http.send(
    {
      target: path,
      query: { ...query, count: String(countOf(listing)), ...position },
      headers: SCIM_HEADERS,
      expects: [400],
    },
    signal,
  );
  return answer.status === 400 ? null : readListResponse(answer.body, path);
}

/** The error for a listing that may lack somebody. */
export function broken({ path }: ScimListing, what: string): DirectoryError {
  return new DirectoryError('cursor_broken', `The listing of ${path} cannot be whole: ${what}.`);
}

function readListResponse(body: unknown, path: string): ListResponse {
  const fields = readFields(body, `the answer of ${path}`);
  const total = attributeOf(fields, 'totalResults') ?? null;
  const startIndex = attributeOf(fields, 'startIndex');
  const nextCursor = attributeOf(fields, 'nextCursor') ?? null;
  const resources = attributeOf(fields, 'Resources');
  // RFC 7644 §3.4.2: Resources may be left out only where there is nothing to list.
  const rows =
    resources === undefined && total === 0 ? [] : readList(resources, `Resources of ${path}`);
  return {
    rows: rows.map((row, index) => readRow(row, `row ${index + 1} of a page of ${path}`)),
    total: total === null ? null : readCount(total, `totalResults of ${path}`),
    startIndex: typeof startIndex === 'number' ? startIndex : null,
    nextCursor: nextCursor === null ? null : readText(nextCursor, `nextCursor of ${path}`),
  };
}

function readRow(value: unknown, where: string): ScimRow {
  const fields = readFields(value, where);
  return { id: readId(attributeOf(fields, 'id'), where), fields };
}
