import type { ScimAnswer, ScimCall } from '../call.ts';
import { Anchors } from './anchors.ts';
import { openCursor, type Place, sealCursor } from './cursor.ts';
import type { ListQuery } from './list-query.ts';

export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** How rows are read; `seq` is their place in the order in which they came. */
export interface RowSource<Row extends { readonly seq: string }> {
  read(page: PageOfRows): Promise<readonly Row[]>;
  /** How many satisfy the filter. */
  count(): Promise<number>;
  /** Where the row is behind so many of all, and how many there are. */
  place(offset: number): Promise<RowPlace>;
  /** How the rows of the page are shown. */
  show(rows: readonly Row[]): Promise<readonly object[]>;
}

/** Rows behind one of them, or in the order that was asked for. */
export interface PageOfRows {
  /** Null: from the beginning. */
  readonly afterSeq: string | null;
  readonly offset: number;
  readonly limit: number;
}

/** A place in the listing of all, and their number. */
export interface RowPlace {
  readonly total: number;
  readonly afterSeq: string;
  readonly offset: number;
}

/** Answers a listing with one page (RFC 7644 §3.4.2, RFC 9865). */
export async function answerList<Row extends { readonly seq: string }>(
  call: ScimCall,
  query: ListQuery,
  source: RowSource<Row>,
): Promise<ScimAnswer> {
  return query.cursor === null
    ? answerByIndex(call, query, source)
    : answerByCursor(call, query, query.cursor, source);
}

async function answerByIndex<Row extends { readonly seq: string }>(
  call: ScimCall,
  query: ListQuery,
  source: RowSource<Row>,
): Promise<ScimAnswer> {
  const { count, startIndex } = query;
  const offset = startIndex - 1;
  const { rows, total } = await readByIndex(call, query, source);
  // A page that is not full is the last one: what there is needs no second question.
  const isLast = count > 0 && rows.length < count && (rows.length > 0 || offset === 0);
  const totalResults = total ?? (isLast ? offset + rows.length : await source.count());
  const body = {
    schemas: [LIST_SCHEMA],
    totalResults,
    startIndex,
    itemsPerPage: rows.length,
    Resources: await source.show(rows),
  };
  return { status: 200, body };
}

/** Where clients are who walk through a listing. */
const anchors = new Anchors();

/**
 * Reads a page from where it is nearest: behind the page before it, or, where all are
 * listed in the order in which they came, from a place that their counts lead to.
 */
async function readByIndex<Row extends { readonly seq: string }>(
  { connection, now }: ScimCall,
  { count, startIndex, order, filtered, fingerprint }: ListQuery,
  source: RowSource<Row>,
): Promise<{ readonly rows: readonly Row[]; readonly total: number | null }> {
  const offset = startIndex - 1;
  const place = filtered ? null : await source.place(offset);
  const total = place?.total ?? null;
  if (count === 0 || (total !== null && offset >= total)) return { rows: [], total };
  const listing = `${connection.id}:${fingerprint}`;
  const anchor = order === null ? anchors.find(listing, offset, now) : null;
  const begin = anchor === null && order === null ? place : null;
  const rows = await source.read({
    afterSeq: anchor ?? begin?.afterSeq ?? null,
    offset: anchor === null ? (begin?.offset ?? offset) : 0,
    limit: count,
  });
  const last = rows.at(-1);
  if (order === null && last !== undefined) {
    anchors.remember(listing, { offset: offset + rows.length, seq: last.seq, at: now });
  }
  return { rows, total };
}

async function answerByCursor<Row extends { readonly seq: string }>(
  call: ScimCall,
  query: ListQuery,
  cursor: string,
  source: RowSource<Row>,
): Promise<ScimAnswer> {
  const of = { connection: call.connection.id, fingerprint: query.fingerprint };
  const begin: Place =
    query.order === null ? { kind: 'behind', seq: '0' } : { kind: 'offset', rows: 0 };
  const place = cursor === '' ? begin : openCursor(cursor, of, call.cursorKey, call.now);
  const afterSeq = place.kind === 'behind' ? place.seq : null;
  const offset = place.kind === 'offset' ? place.rows : 0;
  // One more than asked for says whether another page follows.
  const found = await source.read({ afterSeq, offset, limit: query.count + 1 });
  const rows = found.slice(0, query.count);
  const last = rows.at(-1);
  const next: Place | null =
    found.length <= query.count || last === undefined
      ? null
      : place.kind === 'behind'
        ? { kind: 'behind', seq: last.seq }
        : { kind: 'offset', rows: offset + rows.length };
  const nextCursor = next === null ? null : sealCursor(next, of, call.cursorKey, call.now);
  const body = {
    schemas: [LIST_SCHEMA],
    totalResults: query.filtered ? await source.count() : (await source.place(0)).total,
    itemsPerPage: rows.length,
    ...(nextCursor === null ? {} : { nextCursor }),
    Resources: await source.show(rows),
  };
  return { status: 200, body };
}
