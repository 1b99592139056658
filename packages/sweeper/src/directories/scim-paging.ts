import { type Fields, readCount, readFields, readId, readList, readText } from './answer-fields.ts';
import { DirectoryError } from './directory-error.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { attributeOf, SCIM_HEADERS, type ScimDialect } from './scim-protocol.ts';
import { SeenIds } from './seen-ids.ts';

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

/** One page of resources; each has an id that no other row of the listing has. */
export interface ScimPage {
  readonly rows: readonly Fields[];
  readonly next: string | null;
  readonly announcedTotal: number | null;
}

interface ListResponse {
  readonly rows: readonly Fields[];
  readonly total: number | null;
  readonly startIndex: number | null;
  readonly nextCursor: string | null;
}

/**
 * Lists resources page by page, by index (RFC 7644 §3.4.2.4) or, where the server
 * prefers that, by cursor (RFC 9865). Whatever leaves a doubt that every row was
 * seen once is thrown as `cursor_broken` or `malformed_answer`.
 */
export async function* readScimPages(
  listing: ScimListing,
  signal: AbortSignal,
): AsyncGenerator<ScimPage> {
  const seen = new SeenIds();
  const pages = listing.dialect.cursors ? byCursor(listing, signal) : byIndex(listing, signal);
  for await (const page of pages) {
    for (const [index, row] of page.rows.entries()) {
      const id = readId(attributeOf(row, 'id'), `row ${index + 1} of a page of ${listing.path}`);
      if (!seen.add(id)) {
        throw broken(listing, `expected every id once, received ${JSON.stringify(id)} again`);
      }
    }
    yield page;
  }
}

/** There is no snapshot behind an index (RFC 7644 §3.4.2.4): the totals have to agree throughout. */
async function* byIndex(listing: ScimListing, signal: AbortSignal): AsyncGenerator<ScimPage> {
  const sort: Readonly<Record<string, string>> = listing.dialect.sortable
    ? { sortBy: 'id', sortOrder: 'ascending' }
    : {};
  let received = 0;
  let announced: number | null = null;
  for (;;) {
    const startIndex = received + 1;
    const page = await readPage(listing, { ...sort, startIndex: String(startIndex) }, signal);
    const total = readCount(page.total, `totalResults of ${listing.path}`);
    announced ??= total;
    if (total !== announced) {
      throw broken(listing, `it announced ${announced} rows at first and ${total} later`);
    }
    if (page.rows.length > 0 && page.startIndex !== null && page.startIndex !== startIndex) {
      throw broken(
        listing,
        `expected rows from ${startIndex}, received rows from ${page.startIndex}`,
      );
    }
    received += page.rows.length;
    if (received > total || (page.rows.length === 0 && received < total)) {
      throw broken(listing, `expected ${total} rows as announced, received ${received}`);
    }
    const next = received === total ? null : String(received + 1);
    yield { rows: page.rows, next, announcedTotal: total };
    if (next === null) return;
  }
}

async function* byCursor(listing: ScimListing, signal: AbortSignal): AsyncGenerator<ScimPage> {
  const used = new Set<string>();
  let announced: number | null = null;
  // RFC 9865 §2: an empty cursor asks for the first page, a missing nextCursor ends the last.
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: ListResponse = await readPage(listing, { cursor }, signal);
    announced ??= page.total;
    if (page.total !== null && page.total !== announced) {
      throw broken(listing, `it announced ${announced} rows at first and ${page.total} later`);
    }
    const next = page.nextCursor;
    if (next !== null && used.has(next)) throw broken(listing, 'it repeated a cursor');
    if (next !== null) used.add(next);
    yield { rows: page.rows, next, announcedTotal: announced };
    cursor = next;
  }
}

async function readPage(
  { http, dialect, path, pageSize, query }: ScimListing,
  position: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ListResponse> {
  const count = String(Math.min(pageSize, dialect.maxPageSize ?? pageSize));
  const answer = await http.send(
    // RFC 9865 §2.1: an expired or unknown cursor is a 400.
    {
      target: path,
      query: { ...query, count, ...position },
      headers: SCIM_HEADERS,
      ...('cursor' in position && position.cursor !== '' ? { expects: [400] } : {}),
    },
    signal,
  );
  if (answer.status === 400) throw refusedCursor(path, answer);
  return readListResponse(answer.body, path);
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
    rows: rows.map((row, index) => readFields(row, `row ${index + 1} of a page of ${path}`)),
    total: total === null ? null : readCount(total, `totalResults of ${path}`),
    startIndex: typeof startIndex === 'number' ? startIndex : null,
    nextCursor: nextCursor === null ? null : readText(nextCursor, `nextCursor of ${path}`),
  };
}

function refusedCursor(path: string, { body }: HttpAnswer): DirectoryError {
  const fields = typeof body === 'object' && body !== null && 'scimType' in body ? body : null;
  const type = fields?.scimType;
  const reason = type === 'expiredCursor' || type === 'invalidCursor' ? type : 'status 400';
  return new DirectoryError('cursor_broken', `${path} refused its own cursor: ${reason}.`);
}

function broken({ path }: ScimListing, what: string): DirectoryError {
  return new DirectoryError('cursor_broken', `The listing of ${path} cannot be whole: ${what}.`);
}
