import { createHash } from 'node:crypto';
import type { RawBuilder, SqlBool } from 'kysely';
import { sql } from 'kysely';
import { bindFilter } from '../filter/bind-filter.ts';
import { isNarrow } from '../filter/narrow.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import { type FilterScope, filterToSql } from '../filter-sql.ts';
import { type Projection, readProjection } from '../resource/projection.ts';
import { findAttribute } from '../schema/attribute-path.ts';
import type { ResourceType } from '../schema/schema.ts';
import { badRequest } from '../scim-error.ts';

/** Rows of a page where the client does not say, and at most. */
export const DEFAULT_PAGE = 100;
export const MAX_PAGE = 1_000;

/** What a client asks of a listing, by the names of RFC 7644 §3.4.2 and RFC 9865. */
export interface ListParameters {
  readonly filter?: unknown;
  readonly sortBy?: unknown;
  readonly sortOrder?: unknown;
  readonly startIndex?: unknown;
  readonly count?: unknown;
  readonly cursor?: unknown;
  readonly attributes?: unknown;
  readonly excludedAttributes?: unknown;
}

/** A listing that can be answered. */
export interface ListQuery {
  readonly where: RawBuilder<SqlBool>;
  readonly filtered: boolean;
  /** Whether indexes lead to the page, however many there are. */
  readonly isQuick: boolean;
  readonly order: { readonly by: RawBuilder<unknown>; readonly descending: boolean } | null;
  readonly count: number;
  /** From 1. */
  readonly startIndex: number;
  /** Null: pages by index. Empty: the first page by cursor. */
  readonly cursor: string | null;
  readonly projection: Projection;
  /** Says which listing it is: a cursor is good for its own alone. */
  readonly fingerprint: string;
}

/** How a type of resource is searched and sorted. */
export interface Searching {
  readonly type: ResourceType;
  readonly scope: FilterScope;
  /** By whose equality an index leads to a few. */
  readonly indexed: ReadonlySet<string>;
  readonly orderBy: (path: readonly string[]) => RawBuilder<unknown>;
}

/** Reads what a client asks for. Throws `invalidFilter`, `invalidValue`, `invalidCount`. */
export function readListQuery(parameters: ListParameters, searching: Searching): ListQuery {
  const { type, scope, indexed } = searching;
  const filter = text(parameters, 'filter');
  const cursor = parameters.cursor === undefined ? null : (text(parameters, 'cursor') ?? '');
  const order = readOrder(parameters, searching);
  const fingerprint = createHash('sha256')
    .update(
      JSON.stringify([type.name, filter, text(parameters, 'sortBy'), order?.descending ?? false]),
    )
    .digest('base64url');
  const bound = filter === null ? null : bindFilter(parseFilter(filter), type);
  return {
    where: bound === null ? sql<SqlBool>`true` : filterToSql(bound, scope),
    filtered: bound !== null,
    isQuick: bound === null ? order === null : isNarrow(bound, indexed),
    order,
    count: readCount(parameters.count, cursor !== null),
    startIndex: Math.max(1, readInteger(parameters.startIndex, 'startIndex') ?? 1),
    cursor,
    projection: readProjection(type, parameters.attributes, parameters.excludedAttributes),
    fingerprint,
  };
}

function readOrder(parameters: ListParameters, { type, orderBy }: Searching): ListQuery['order'] {
  const name = text(parameters, 'sortBy');
  if (name === null) return null;
  const found = findAttribute(type, name);
  if (found === null)
    throw badRequest(
      'invalidValue',
      `sortBy: ${name.slice(0, 80)} is no attribute of ${type.name}.`,
    );
  const { extension, attribute, sub } = found;
  const part = sub?.name ?? (attribute.type === 'complex' ? 'value' : null);
  const path = [
    ...(extension === null ? [] : [extension.id]),
    attribute.name,
    ...(attribute.multiValued ? ['0'] : []),
    ...(part === null ? [] : [part]),
  ];
  const descending = text(parameters, 'sortOrder')?.toLowerCase() === 'descending';
  return { by: orderBy(path), descending };
}

function readCount(raw: unknown, byCursor: boolean): number {
  const count = readInteger(raw, 'count');
  if (count === null) return DEFAULT_PAGE;
  // RFC 7644 §3.4.2.4: less than nothing is nothing. By cursor, nothing leads nowhere.
  if (byCursor && count < 1) throw badRequest('invalidCount', 'count must be at least 1.');
  return Math.min(Math.max(0, count), MAX_PAGE);
}

function readInteger(raw: unknown, name: string): number | null {
  if (raw === undefined || raw === null || raw === '') return null;
  const number = typeof raw === 'string' && /^-?\d{1,15}$/.test(raw) ? Number(raw) : raw;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw badRequest(
    name === 'count' ? 'invalidCount' : 'invalidValue',
    `${name} must be a whole number.`,
  );
}

/**
 * What stands for nothing is nothing; what is no text is an error: a filter that is passed
 * over would give everybody to whoever asked for one.
 */
function text(parameters: ListParameters, name: keyof typeof WRONG): string | null {
  const raw = parameters[name];
  if (raw === undefined || raw === null || raw === '') return null;
  if (typeof raw === 'string') return raw;
  throw badRequest(WRONG[name], `${name} must be a text.`);
}

const WRONG = {
  filter: 'invalidFilter',
  cursor: 'invalidCursor',
  sortBy: 'invalidValue',
  sortOrder: 'invalidValue',
} as const;
