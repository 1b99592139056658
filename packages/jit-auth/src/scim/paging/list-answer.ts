import type { ScimAnswer, ScimCall } from '../call.ts';
import { openCursor, type Place, sealCursor } from './cursor.ts';
import type { ListQuery } from './list-query.ts';

export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** How rows are read; `seq` is their place in the order in which they came. */
export interface RowSource<Row extends { readonly seq: string }> {
  read(page: {
    readonly afterSeq: string | null;
    readonly offset: number;
    readonly limit: number;
  }): Promise<readonly Row[]>;
  count(): Promise<number>;
  /** How the rows of the page are shown. */
  show(rows: readonly Row[]): Promise<readonly object[]>;
}

/** Answers a listing with one page (RFC 7644 §3.4.2, RFC 9865). */
export async function answerList<Row extends { readonly seq: string }>(
  call: ScimCall,
  query: ListQuery,
  source: RowSource<Row>,
): Promise<ScimAnswer> {
  return query.cursor === null
    ? answerByIndex(query, source)
    : answerByCursor(call, query, query.cursor, source);
}

async function answerByIndex<Row extends { readonly seq: string }>(
  query: ListQuery,
  source: RowSource<Row>,
): Promise<ScimAnswer> {
  const { count, startIndex } = query;
  const offset = startIndex - 1;
  const rows = count === 0 ? [] : await source.read({ afterSeq: null, offset, limit: count });
  // A page that is not full is the last one: what there is needs no second question.
  const isLast = count > 0 && rows.length < count && (rows.length > 0 || offset === 0);
  const totalResults = isLast ? offset + rows.length : await source.count();
  const body = {
    schemas: [LIST_SCHEMA],
    totalResults,
    startIndex,
    itemsPerPage: rows.length,
    Resources: await source.show(rows),
  };
  return { status: 200, body };
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
    totalResults: await source.count(),
    itemsPerPage: rows.length,
    ...(nextCursor === null ? {} : { nextCursor }),
    Resources: await source.show(rows),
  };
  return { status: 200, body };
}
