/** A listing request that is refused (RFC 7644 §3.12). */
export class ScimError extends Error {
  readonly status: number;
  readonly scimType: string | undefined;

  constructor(status: number, detail: string, scimType?: string) {
    super(detail);
    this.status = status;
    this.scimType = scimType;
  }
}

/** How an attribute is read for comparing and sorting. */
export interface FilterAttribute<Row> {
  readonly read: (row: Row) => string;
  /** RFC 7643 §2.2: `caseExact` false compares without regard to case. */
  readonly caseExact: boolean;
}

/** The attributes of a resource that a client may filter and sort by, keyed in lower case. */
export type FilterAttributes<Row> = ReadonlyMap<string, FilterAttribute<Row>>;

/** What a client asks of a listing. */
export interface ListQuery {
  readonly filter: string | undefined;
  readonly sortBy: string | undefined;
  readonly sortOrder: string | undefined;
  readonly startIndex: string | undefined;
  readonly count: string | undefined;
}

/** `attribute eq "value"`, the one form that is supported (RFC 7644 §3.4.2.2). */
const EQUALS = /^\s*([A-Za-z][A-Za-z0-9]*)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/i;

/**
 * Filters and sorts rows.
 *
 * @throws ScimError 400 `invalidFilter`, 400 `invalidValue`
 */
export function selectRows<Row>(
  rows: readonly Row[],
  attributes: FilterAttributes<Row>,
  query: ListQuery,
): readonly Row[] {
  const matches = query.filter === undefined ? undefined : parseFilter(query.filter, attributes);
  return sortRows(matches === undefined ? rows : rows.filter(matches), attributes, query);
}

/** First row, counted from 1, and page size, bounded as RFC 7644 §3.4.2.4 has it. */
export function readPage(
  query: ListQuery,
  pageSize: number,
): { startIndex: number; count: number } {
  const startIndex = Math.max(1, readInteger('startIndex', query.startIndex, 1));
  const count = Math.max(0, readInteger('count', query.count, pageSize));
  return { startIndex, count: Math.min(count, pageSize) };
}

function parseFilter<Row>(
  filter: string,
  attributes: FilterAttributes<Row>,
): (row: Row) => boolean {
  const [, name = '', literal = ''] = EQUALS.exec(filter) ?? [];
  const attribute = attributes.get(name.toLowerCase());
  const value = parseLiteral(literal);
  if (attribute === undefined || value === undefined) {
    const known = [...attributes.keys()].map((one) => `${one} eq "…"`).join(', ');
    throw new ScimError(400, `Supported filters: ${known}.`, 'invalidFilter');
  }
  const fold = (text: string): string => (attribute.caseExact ? text : text.toLowerCase());
  return (row) => fold(attribute.read(row)) === fold(value);
}

function parseLiteral(literal: string): string | undefined {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function sortRows<Row>(
  rows: readonly Row[],
  attributes: FilterAttributes<Row>,
  query: ListQuery,
): readonly Row[] {
  if (query.sortBy === undefined) return rows;
  const attribute = attributes.get(query.sortBy.toLowerCase());
  if (attribute === undefined) {
    throw new ScimError(
      400,
      `sortBy: supported are ${[...attributes.keys()].join(', ')}.`,
      'invalidValue',
    );
  }
  const order = query.sortOrder?.toLowerCase() ?? 'ascending';
  if (order !== 'ascending' && order !== 'descending') {
    throw new ScimError(400, 'sortOrder: expected ascending or descending.', 'invalidValue');
  }
  const sign = order === 'ascending' ? 1 : -1;
  return rows.toSorted((a, b) => sign * compare(attribute.read(a), attribute.read(b)));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function readInteger(name: string, value: string | undefined, usual: number): number {
  if (value === undefined) return usual;
  if (!/^-?\d{1,9}$/.test(value)) {
    throw new ScimError(400, `${name}: expected a whole number.`, 'invalidValue');
  }
  return Number(value);
}
