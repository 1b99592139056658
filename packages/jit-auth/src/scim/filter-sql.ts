import { toEpochMs } from '@rollcall/shared/core/time';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { BoundFilter, BoundTest, Operand } from './filter/bound-filter.ts';
import type { Attribute } from './schema/attribute.ts';
import { badRequest } from './scim-error.ts';

/** A column that holds an attribute; a text in it is folded where its case says nothing. */
export interface FilterColumn {
  readonly type: 'text' | 'boolean' | 'number' | 'timestamp' | 'uuid';
  readonly expression: RawBuilder<unknown>;
}

/** What a filter is asked of: the row of a resource, or of one value of it. */
export interface FilterScope {
  /** By the path from the scope, joined by dots. */
  readonly columns: ReadonlyMap<string, FilterColumn>;
  /** Multi-valued attributes that have a table: whether a value satisfies the filter. */
  readonly lists: ReadonlyMap<string, (where: BoundFilter | null) => RawBuilder<SqlBool>>;
  /** Every other attribute, as jsonb, its texts folded; null where the scope has none. */
  readonly json: RawBuilder<unknown> | null;
  /** Attributes that are not in the jsonb either. */
  readonly unstored: ReadonlySet<string>;
  /** Where parts of values are found by an index; left out where they are not. */
  readonly parts?: PartsIndex;
}

/** A text that holds the values of several attributes, with an index over its parts. */
export interface PartsIndex {
  /** The attributes, by the path from the scope. */
  readonly paths: ReadonlySet<string>;
  readonly text: RawBuilder<unknown>;
}

/** How long Postgres compares paths: `path` of a test, as a name. */
const nameOf = (path: readonly string[]): string => path.join('.');

/**
 * Makes a condition of SQL of a filter. Whatever came from the client is a bound value,
 * names too; what is no attribute of the scope is an error and never passed over.
 *
 * A comparison with nothing is `null` in SQL, which neither `and` nor `or` takes for true;
 * a negation says `is not true`, so that it covers whoever has no value at all.
 * Throws `invalidFilter`.
 */
export function filterToSql(filter: BoundFilter, scope: FilterScope): RawBuilder<SqlBool> {
  switch (filter.kind) {
    case 'and':
      return joined(filter.parts, scope, sql` and `);
    case 'or':
      return joined(filter.parts, scope, sql` or `);
    case 'not':
      return sql<SqlBool>`((${filterToSql(filter.of, scope)}) is not true)`;
    case 'element':
      return scope.lists.get(nameOf(filter.path))?.(filter.where) ?? valuesToSql(filter, scope);
    case 'test': {
      const exact = testToSql(filter.test, columnOf(filter.path, filter.attribute, scope));
      const isFound = scope.parts?.paths.has(nameOf(filter.path)) === true;
      return isFound ? byParts(filter.test, scope.parts.text, exact) : exact;
    }
    default:
      return filter satisfies never;
  }
}

/**
 * Lets an index over parts of texts lead to the rows for which a test has to be made. An
 * index of trigrams knows nothing of fewer than three letters in a row.
 */
export function byParts(
  test: BoundTest,
  text: RawBuilder<unknown>,
  exact: RawBuilder<SqlBool>,
): RawBuilder<SqlBool> {
  if (!('operand' in test) || !HAS_PARTS.has(test.op)) return exact;
  if (!/[\p{L}\p{N}]{3}/u.test(String(test.operand))) return exact;
  return sql<SqlBool>`(${text} like ${`%${escapeLike(test.operand)}%`} and ${exact})`;
}

const HAS_PARTS: ReadonlySet<BoundTest['op']> = new Set(['co', 'sw', 'ew']);

function joined(
  parts: readonly BoundFilter[],
  scope: FilterScope,
  word: RawBuilder<unknown>,
): RawBuilder<SqlBool> {
  const conditions = parts.map((part) => filterToSql(part, scope));
  return sql<SqlBool>`(${sql.join(conditions, word)})`;
}

/** Whether one of the values that the jsonb holds satisfies a filter; null: whether it holds any. */
export function valuesToSql(
  { path, where }: Pick<Extract<BoundFilter, { kind: 'element' }>, 'path' | 'where'>,
  scope: FilterScope,
): RawBuilder<SqlBool> {
  const held = sql`${jsonOf(path, scope)} #> ${[...path]}::text[]`;
  const inner: FilterScope = {
    columns: new Map(),
    lists: new Map(),
    json: sql`element.value`,
    unstored: new Set(),
  };
  const condition = where === null ? sql`true` : filterToSql(where, inner);
  return sql<SqlBool>`exists (
    select from jsonb_array_elements(coalesce(${held}, '[]'::jsonb)) as element (value)
     where ${condition})`;
}

function jsonOf(path: readonly string[], scope: FilterScope): RawBuilder<unknown> {
  const [head = ''] = path;
  if (scope.json !== null && !scope.unstored.has(head)) return scope.json;
  throw badRequest(
    'invalidFilter',
    `This filter cannot be answered: ${nameOf(path)} is not searched by.`,
  );
}

function columnOf(path: readonly string[], attribute: Attribute, scope: FilterScope): FilterColumn {
  const column = scope.columns.get(nameOf(path));
  if (column !== undefined) return column;
  const json = jsonOf(path, scope);
  const text = sql`(${json} #>> ${[...path]}::text[])`;
  switch (attribute.type) {
    case 'boolean':
      return { type: 'boolean', expression: sql`${text}::boolean` };
    case 'integer':
    case 'decimal':
      return { type: 'number', expression: sql`${text}::numeric` };
    default:
      return { type: 'text', expression: text };
  }
}

function testToSql(test: BoundTest, column: FilterColumn): RawBuilder<SqlBool> {
  const { expression } = column;
  if (test.op === 'pr') return isPresent(column);
  if (test.op === 'absent') return sql<SqlBool>`(${isPresent(column)} is not true)`;
  if (column.type === 'uuid') return uuidToSql(test.op, test.operand, expression);
  const operand = bind(test.operand, column);
  const ordered = column.type === 'text' ? sql`${expression} collate "C"` : expression;
  switch (test.op) {
    case 'eq':
      return sql<SqlBool>`${expression} = ${operand}`;
    case 'ne':
      return sql<SqlBool>`${expression} is distinct from ${operand}`;
    case 'co':
      return sql<SqlBool>`${expression} like ${`%${escapeLike(test.operand)}%`}`;
    case 'sw':
      return sql<SqlBool>`${ordered} like ${`${escapeLike(test.operand)}%`}`;
    case 'ew':
      return sql<SqlBool>`${expression} like ${`%${escapeLike(test.operand)}`}`;
    case 'gt':
      return sql<SqlBool>`${ordered} > ${operand}`;
    case 'ge':
      return sql<SqlBool>`${ordered} >= ${operand}`;
    case 'lt':
      return sql<SqlBool>`${ordered} < ${operand}`;
    case 'le':
      return sql<SqlBool>`${ordered} <= ${operand}`;
    default:
      return test satisfies never;
  }
}

function isPresent({ type, expression }: FilterColumn): RawBuilder<SqlBool> {
  if (type === 'text') return sql<SqlBool>`(${expression} <> '')`;
  return sql<SqlBool>`(${expression} is not null)`;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Equality goes by the index; everything else compares how an id is written. */
function uuidToSql(
  op: Exclude<BoundTest['op'], 'pr' | 'absent'>,
  operand: Operand,
  expression: RawBuilder<unknown>,
): RawBuilder<SqlBool> {
  const text = String(operand);
  if (op === 'eq') {
    return UUID.test(text) ? sql<SqlBool>`${expression} = ${text}::uuid` : sql<SqlBool>`false`;
  }
  const written: FilterColumn = { type: 'text', expression: sql`${expression}::text` };
  return testToSql({ op, operand: text }, written);
}

function bind(operand: Operand, { type }: FilterColumn): RawBuilder<unknown> {
  switch (type) {
    case 'timestamp':
      return sql`${toTimestamp(toEpochMs(Number(operand)))}::timestamptz`;
    case 'number':
      return sql`${operand}::numeric`;
    case 'boolean':
      return sql`${operand}::boolean`;
    default:
      return sql`${String(operand)}::text`;
  }
}

function escapeLike(operand: Operand): string {
  return String(operand).replaceAll(/[\\%_]/g, (special) => `\\${special}`);
}
