import {
  json,
  type ScriptedAnswer,
  type ScriptedRequest,
} from '../conformance/directories/scripted-server.ts';

/** A row of a listing, in the shape that the vendor sends. */
export type Row = Readonly<Record<string, unknown>>;

/** How a vendor cuts its listings into pages and says where the next one is. */
export interface Paging {
  /** Where a request begins; '' at the first page. */
  positionOf(request: ScriptedRequest): string;
  /** The same request for another position. */
  moveTo(request: ScriptedRequest, position: string): ScriptedRequest;
  /** The page that is asked for; `rows` are all there are, in the vendor's order. */
  answer(request: ScriptedRequest, rows: readonly Row[]): ScriptedAnswer;
  readRows(body: string): unknown[];
  writeRows(body: string, rows: readonly unknown[]): string;
  /** The same answer, which says that the next page is there; null: that it is the last one. */
  pointTo(
    answer: ScriptedAnswer,
    request: ScriptedRequest,
    position: string | null,
  ): ScriptedAnswer;
}

/** What the strategies below have to know of a vendor. */
export interface PagingOptions {
  /** Query parameters for the size of a page and for the position. */
  readonly size: string;
  readonly position: string;
  /** The most rows that the vendor puts on a page, and how many where nobody says. */
  readonly most: number;
  readonly unasked: number;
  /** What a row is found again by, in the order of the rows. */
  readonly keyOf: (row: Row) => string;
}

/** A cursor that survives people who come and go: it says after whom the page begins. */
const AFTER = 'after:';

interface Cut {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** The page after a key; rows must be sorted by it. */
function cutAfter(request: ScriptedRequest, rows: readonly Row[], options: PagingOptions): Cut {
  const asked = Number(request.query.get(options.size) ?? options.unasked);
  const size = Math.min(asked, options.most);
  const cursor = request.query.get(options.position) ?? '';
  const from = cursor.slice(AFTER.length);
  const rest = cursor === '' ? rows : rows.filter((row) => options.keyOf(row) > from);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const more = last !== undefined && rest.length > page.length;
  return { rows: page, next: more ? `${AFTER}${options.keyOf(last)}` : null };
}

function moveBy(parameter: string) {
  return (request: ScriptedRequest, position: string): ScriptedRequest => {
    const query = new URLSearchParams(request.query);
    if (position === '') query.delete(parameter);
    else query.set(parameter, position);
    return { ...request, query };
  };
}

function urlOf(request: ScriptedRequest): string {
  const query = request.query.toString();
  return `${request.origin}${request.rawPath}${query === '' ? '' : `?${query}`}`;
}

/** A bare list, with the next page in the header `Link` (RFC 8288), as Okta does it. */
export function linkHeaderPaging(options: PagingOptions): Paging {
  const moveTo = moveBy(options.position);
  const positionOf = ({ query }: ScriptedRequest): string => query.get(options.position) ?? '';
  const pointTo: Paging['pointTo'] = (answer, request, position) => {
    const links = [`<${urlOf(request)}>; rel="self"`];
    if (position !== null) links.push(`<${urlOf(moveTo(request, position))}>; rel="next"`);
    return { ...answer, headers: { ...answer.headers, link: links } };
  };
  return {
    positionOf,
    moveTo,
    pointTo,
    answer: (request, rows) => {
      const cut = cutAfter(request, rows, options);
      return pointTo(json(200, cut.rows), request, cut.next);
    },
    readRows: (body) => JSON.parse(body) as unknown[],
    writeRows: (_body, rows) => JSON.stringify(rows),
  };
}

/** Where in a body the rows are, and where the position of the next page. */
export interface BodyPagingOptions extends PagingOptions {
  readonly rowsKey: string;
  /** Key of the next page; `_links.next.href` goes through objects. */
  readonly nextKey: string;
  /** Whether the body has the next page's whole URL; else its cursor alone. */
  readonly nextIsUrl: boolean;
}

/**
 * The next page in the body: a whole URL (Microsoft Graph's `@odata.nextLink`, HAL's
 * `_links.next.href`) or a cursor (`nextPageToken`, Auth0's `next`).
 */
export function bodyPaging(options: BodyPagingOptions): Paging {
  const { rowsKey, nextKey, nextIsUrl } = options;
  const moveTo = moveBy(options.position);
  const pointTo: Paging['pointTo'] = (answer, request, position) => {
    const body = JSON.parse(answer.body) as Record<string, unknown>;
    const next =
      position === null ? undefined : nextIsUrl ? urlOf(moveTo(request, position)) : position;
    return { ...answer, body: JSON.stringify(withPath(body, nextKey, next)) };
  };
  return {
    positionOf: ({ query }) => query.get(options.position) ?? '',
    moveTo,
    pointTo,
    answer: (request, rows) => {
      const cut = cutAfter(request, rows, options);
      return pointTo(json(200, { [rowsKey]: cut.rows }), request, cut.next);
    },
    readRows: (body) => {
      const rows = (JSON.parse(body) as Record<string, unknown>)[rowsKey];
      return Array.isArray(rows) ? rows : [];
    },
    writeRows: (body, rows) => JSON.stringify({ ...(JSON.parse(body) as object), [rowsKey]: rows }),
  };
}

/** Sets `a.b.c`; a key that itself contains dots (`@odata.nextLink`) is one key. */
function withPath(
  body: Record<string, unknown>,
  path: string,
  value: unknown,
): Record<string, unknown> {
  const [first = '', ...rest] = path.startsWith('@') ? [path] : path.split('.');
  if (rest.length === 0) {
    const { [first]: _old, ...others } = body;
    return value === undefined ? others : { ...others, [first]: value };
  }
  const inner = (body[first] ?? {}) as Record<string, unknown>;
  return { ...body, [first]: withPath(inner, rest.join('.'), value) };
}
