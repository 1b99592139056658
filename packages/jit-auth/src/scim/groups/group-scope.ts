import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { BoundFilter } from '../filter/bound-filter.ts';
import { type FilterColumn, type FilterScope, filterToSql } from '../filter-sql.ts';
import { badRequest } from '../scim-error.ts';

/** Where each attribute of a group is; `g` is the row of `scim_groups`. */
const COLUMNS: ReadonlyMap<string, FilterColumn> = new Map<string, FilterColumn>([
  ['id', { type: 'uuid', expression: sql`g.id` }],
  ['displayName', { type: 'text', expression: sql`g.display_name_key` }],
  ['externalId', { type: 'text', expression: sql`g.external_id` }],
  [
    'meta.created',
    { type: 'timestamp', expression: sql`date_trunc('milliseconds', g.created_at)` },
  ],
  [
    'meta.lastModified',
    { type: 'timestamp', expression: sql`date_trunc('milliseconds', g.modified_at)` },
  ],
  ['meta.resourceType', { type: 'text', expression: sql`'Group'::text` }],
]);

/** What filters over groups are asked of. */
export const GROUP_SCOPE: FilterScope = {
  columns: COLUMNS,
  lists: new Map([['members', membersToSql]]),
  json: sql`g.search`,
  unstored: new Set(['meta']),
};

/** By whose equality an index leads to a few groups. */
export const GROUP_INDEXES: ReadonlySet<string> = new Set([
  'id',
  'displayName',
  'externalId',
  'members.value',
]);

/** What filters over the members of a group are asked of; `m` and `s` are membership and user. */
export const MEMBER_SCOPE: FilterScope = {
  columns: new Map<string, FilterColumn>([
    ['value', { type: 'uuid', expression: sql`m.user_id` }],
    [
      'display',
      {
        type: 'text',
        expression: sql`coalesce(s.search ->> 'displayName', s.search ->> 'userName')`,
      },
    ],
    ['type', { type: 'text', expression: sql`'user'::text` }],
  ]),
  lists: new Map(),
  json: null,
  unstored: new Set(),
};

function membersToSql(where: BoundFilter | null): RawBuilder<SqlBool> {
  const condition = where === null ? sql`true` : filterToSql(where, MEMBER_SCOPE);
  return sql<SqlBool>`exists (
    select from scim_group_members m join scim_users s on s.user_id = m.user_id
     where m.group_id = g.id and ${condition})`;
}

/** How groups are sorted by an attribute (RFC 7644 §3.4.2.3). */
export function groupOrder(path: readonly string[]): RawBuilder<unknown> {
  const column = COLUMNS.get(path.join('.'));
  if (column !== undefined) return column.expression;
  throw badRequest('invalidValue', `Groups are not sorted by ${path.join('.')}.`);
}
