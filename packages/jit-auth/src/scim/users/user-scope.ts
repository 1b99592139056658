import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { BoundFilter, BoundTest } from '../filter/bound-filter.ts';
import {
  byParts,
  type FilterColumn,
  type FilterScope,
  filterToSql,
  valuesToSql,
} from '../filter-sql.ts';
import { badRequest } from '../scim-error.ts';

/** Where each attribute of a user is; `s` is the row of `scim_users`. */
const COLUMNS: ReadonlyMap<string, FilterColumn> = new Map<string, FilterColumn>([
  ['id', { type: 'uuid', expression: sql`s.user_id` }],
  ['userName', { type: 'text', expression: sql`s.user_name_key` }],
  ['externalId', { type: 'text', expression: sql`s.external_id` }],
  [
    'active',
    {
      type: 'boolean',
      // SCIM says so, and nobody else has ended the access.
      expression: sql`(s.active and exists (
        select from users
         where users.id = s.user_id and users.state in ('active', 'suspected', 'contained')))`,
    },
  ],
  [
    'meta.created',
    { type: 'timestamp', expression: sql`date_trunc('milliseconds', s.created_at)` },
  ],
  [
    'meta.lastModified',
    { type: 'timestamp', expression: sql`date_trunc('milliseconds', s.modified_at)` },
  ],
  ['meta.resourceType', { type: 'text', expression: sql`'User'::text` }],
]);

const JSON_SCOPE: FilterScope = {
  columns: new Map(),
  lists: new Map(),
  json: sql`s.search`,
  unstored: new Set(),
};

/** What filters over users are asked of. */
export const USER_SCOPE: FilterScope = {
  columns: COLUMNS,
  lists: new Map([
    ['emails', emailsToSql],
    ['groups', groupsToSql],
  ]),
  json: sql`s.search`,
  unstored: new Set(['meta']),
  parts: {
    // Of `userName` the beginning has an index of its own.
    paths: new Set([
      'userName',
      'displayName',
      'name.givenName',
      'name.familyName',
      'name.formatted',
    ]),
    text: sql`scim_names(s.search)`,
  },
};

/** By whose equality an index leads to a few users. */
export const USER_INDEXES: ReadonlySet<string> = new Set([
  'id',
  'userName',
  'externalId',
  'emails.value',
]);

/**
 * Addresses are asked in the jsonb; where one address is named, or a part of one, an index
 * over them all leads to the rows for which that has to be done.
 */
function emailsToSql(where: BoundFilter | null): RawBuilder<SqlBool> {
  const condition = valuesToSql({ path: ['emails'], where }, JSON_SCOPE);
  const test = where === null ? null : requiredOfAddress(where);
  if (test === null || !('operand' in test)) return condition;
  const operand = String(test.operand);
  if (test.op === 'eq') {
    return sql<SqlBool>`(s.email_keys @> array[${operand}]::text[] and ${condition})`;
  }
  // The text has addresses as JSON writes them.
  const isPlain = JSON.stringify(operand) === `"${operand}"`;
  return isPlain ? byParts(test, sql`scim_names(s.search)`, condition) : condition;
}

/** What every address that satisfies a filter satisfies; null where that is nothing that helps. */
function requiredOfAddress(where: BoundFilter): BoundTest | null {
  if (where.kind === 'and') {
    const tests = where.parts.flatMap((part) => requiredOfAddress(part) ?? []);
    return tests.find(({ op }) => op === 'eq') ?? tests[0] ?? null;
  }
  if (where.kind !== 'test' || where.path.join('.') !== 'value') return null;
  return ['eq', 'co', 'sw', 'ew'].includes(where.test.op) ? where.test : null;
}

const GROUP_COLUMNS: FilterScope = {
  columns: new Map<string, FilterColumn>([
    ['value', { type: 'uuid', expression: sql`g.id` }],
    ['display', { type: 'text', expression: sql`g.display_name_key` }],
    ['type', { type: 'text', expression: sql`'direct'::text` }],
  ]),
  lists: new Map(),
  json: null,
  unstored: new Set(),
};

function groupsToSql(where: BoundFilter | null): RawBuilder<SqlBool> {
  const condition = where === null ? sql`true` : filterToSql(where, GROUP_COLUMNS);
  return sql<SqlBool>`exists (
    select from scim_group_members m join scim_groups g on g.id = m.group_id
     where m.user_id = s.user_id and ${condition})`;
}

/** How users are sorted by an attribute (RFC 7644 §3.4.2.3): by its first value, where it has several. */
export function userOrder(path: readonly string[]): RawBuilder<unknown> {
  const column = COLUMNS.get(path.join('.'));
  if (column !== undefined) return column.expression;
  if (path[0] === 'meta' || path[0] === 'groups') {
    throw badRequest('invalidValue', `Users are not sorted by ${path.join('.')}.`);
  }
  return sql`(s.search #>> ${[...path]}::text[]) collate "C"`;
}
