import { type Fields, readCount } from './answer-fields.ts';
import {
  broken,
  countOf,
  type ListResponse,
  readPage,
  type ScimListing,
  type ScimRow,
} from './scim-page.ts';
import { SeenIds } from './seen-ids.ts';

/** One page of resources; each has an id that no other row of the listing has. */
export interface ScimPage {
  readonly rows: readonly Fields[];
  readonly next: string | null;
  readonly announcedTotal: number | null;
}

/**
 * Lists resources page by page, by index (RFC 7644 §3.4.2.4) or, where the server
 * prefers that, by cursor (RFC 9865). Whatever leaves a doubt that every row was
 * seen once is thrown as `cursor_broken` or `malformed_answer`.
 */
export function readScimPages(listing: ScimListing, signal: AbortSignal): AsyncGenerator<ScimPage> {
  return listing.dialect.cursors ? byCursor(listing, signal) : byIndex(listing, signal);
}

/**
 * There is no snapshot behind an index: for each row that leaves before it, one
 * is skipped, and the totals do not show it where somebody joined meanwhile. So
 * each page begins with the last row of the one before. Where the server insists
 * on whole pages, everything is read a second time and must be the same.
 */
async function* byIndex(listing: ScimListing, signal: AbortSignal): AsyncGenerator<ScimPage> {
  const seen = new SeenIds();
  let overlaps = countOf(listing) > 1;
  let received = 0;
  let announced: number | null = null;
  let anchor: string | null = null;
  for (let pages = 1; ; pages++) {
    let page: IndexPage | null = null;
    if (overlaps && anchor !== null) {
      page = afterAnchor(await readAt(listing, received, signal), anchor);
      if (page === null && pages > 2) {
        throw broken(listing, 'rows came or went between two pages');
      }
      overlaps = page !== null;
    }
    page ??= await readAt(listing, received + 1, signal);
    if (page === null) throw broken(listing, `the server refused startIndex ${received + 1}`);
    announced ??= page.total;
    checkTotal(listing, announced, page.total);
    addAll(listing, seen, page.rows);
    received += page.rows.length;
    if (received > announced || (page.rows.length === 0 && received < announced)) {
      throw broken(listing, `expected ${announced} rows as announced, received ${received}`);
    }
    const last = received === announced;
    if (last && pages > 1 && !overlaps) await readAgain(listing, seen, announced, signal);
    const next = last ? null : String(received + 1);
    yield { rows: page.rows.map(({ fields }) => fields), next, announcedTotal: announced };
    if (last) return;
    anchor = page.rows.at(-1)?.id ?? null;
  }
}

interface IndexPage {
  readonly rows: readonly ScimRow[];
  readonly total: number;
}

/** The page from an index on; null where the server refuses the index or answers for another. */
async function readAt(
  listing: ScimListing,
  index: number,
  signal: AbortSignal,
): Promise<IndexPage | null> {
  const sort: Readonly<Record<string, string>> = listing.dialect.sortable
    ? { sortBy: 'id', sortOrder: 'ascending' }
    : {};
  const page = await readPage(listing, { ...sort, startIndex: String(index) }, signal);
  if (page === null) return null;
  const total = readCount(page.total, `totalResults of ${listing.path}`);
  const { rows, startIndex } = page;
  return rows.length > 0 && startIndex !== null && startIndex !== index ? null : { rows, total };
}

function afterAnchor(page: IndexPage | null, anchor: string): IndexPage | null {
  if (page === null || page.rows[0]?.id !== anchor) return null;
  return { ...page, rows: page.rows.slice(1) };
}

/** Reads whole pages once more; every row must be one that is known, and none may be missing. */
async function readAgain(
  listing: ScimListing,
  known: SeenIds,
  announced: number,
  signal: AbortSignal,
): Promise<void> {
  const again = new SeenIds();
  for (let received = 0; received < announced; ) {
    const page = await readAt(listing, received + 1, signal);
    if (page === null || page.rows.length === 0) {
      throw broken(listing, 'it could not be read a second time');
    }
    checkTotal(listing, announced, page.total);
    addAll(listing, again, page.rows);
    if (page.rows.some(({ id }) => !known.has(id))) {
      throw broken(listing, 'it has other rows when it is read a second time');
    }
    received += page.rows.length;
  }
}

async function* byCursor(listing: ScimListing, signal: AbortSignal): AsyncGenerator<ScimPage> {
  const seen = new SeenIds();
  const used = new Set<string>();
  let announced: number | null = null;
  // RFC 9865 §2: an empty cursor asks for the first page, a missing nextCursor ends the last.
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: ListResponse | null = await readPage(listing, { cursor }, signal);
    if (page === null) throw broken(listing, 'the server refused its own cursor');
    announced ??= page.total;
    if (page.total !== null) checkTotal(listing, announced, page.total);
    addAll(listing, seen, page.rows);
    const next = page.nextCursor;
    if (next !== null && used.has(next)) throw broken(listing, 'a cursor was repeated');
    if (next !== null) used.add(next);
    const rows = page.rows.map(({ fields }) => fields);
    yield { rows, next, announcedTotal: announced };
    cursor = next;
  }
}

function checkTotal(listing: ScimListing, announced: number | null, total: number): void {
  if (total === announced) return;
  throw broken(listing, `it announced ${announced} rows at first and ${total} later`);
}

function addAll(listing: ScimListing, seen: SeenIds, rows: readonly ScimRow[]): void {
  for (const { id } of rows) {
    if (seen.add(id)) continue;
    throw broken(listing, `expected every id once, received ${JSON.stringify(id)} again`);
  }
}
