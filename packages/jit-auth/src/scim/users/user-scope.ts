import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { BoundFilter } from '../filter/bound-filter.ts';
import { type FilterColumn, type FilterScope, filterToSql, valuesToSql } from '../filter-sql.ts';
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
};

/**
 * Addresses are asked in the jsonb; where one address is named, the index over them all
 * leads to the few rows for which that has to be done.
 */
function emailsToSql(where: BoundFilter | null): RawBuilder<SqlBool> {
  const condition = valuesToSql({ path: ['emails'], where }, JSON_SCOPE);
  const address = where === null ? null : requiredAddress(where);
  if (address === null) return condition;
  return sql<SqlBool>`(s.email_keys @> array[${address}]::text[] and ${condition})`;
}

function requiredAddress(where: BoundFilter): string | null {
  if (where.kind === 'and') {
    for (const part of where.parts) {
      const address = requiredAddress(part);
      if (address !== null) return address;
    }
    return null;
  }
  if (where.kind !== 'test' || where.test.op !== 'eq') return null;
  return where.path.join('.') === 'value' ? String(where.test.operand) : null;
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
