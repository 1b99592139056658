import type pg from 'pg';
import { LARGE_GROUP } from './people.ts';

/** People in one statement, so that progress can be told. */
const PART = 200_000;

/**
 * Fills the database with people as a client over SCIM leaves them: the user, what SCIM
 * says, a group of so many members, and their grants. By SQL, for a million requests would
 * take half an hour, and with indexes that are made at the end; nothing of that is
 * measured. The arithmetic is that of `people.ts`. Answers with the id of the group.
 */
export async function seedScim(
  pool: pg.Pool,
  people: number,
  members: number,
  tell: (line: string) => void,
): Promise<string> {
  const client = await pool.connect();
  try {
    // References hold by the arithmetic: to look each up would take longer than to write it.
    await client.query("set session_replication_role = 'replica'");
    await client.query("set maintenance_work_mem = '1GB'");
    await client.query("set work_mem = '256MB'");
    const indexes = await dropIndexes(client);
    for (let from = 0; from < people; from += PART) {
      const end = Math.min(people, from + PART);
      await client.query(USERS, [from, end - 1]);
      await client.query(SCIM_USERS, [from, end - 1]);
      tell(`${end.toLocaleString('en-US')} people`);
    }
    for (const index of indexes) await client.query(index);
    tell(`${indexes.length} indexes`);
    const { rows } = await client.query<{ id: string }>(GROUPS, [LARGE_GROUP]);
    const id = rows[0]?.id ?? '';
    await client.query(MEMBERS, [id, members]);
    await client.query(GRANTS, [id]);
    await client.query(COUNTS);
    await client.query(`vacuum analyze ${TABLES.join(', ')}`);
    await client.query('checkpoint');
    return id;
  } finally {
    // The settings end with the connection.
    client.release(true);
  }
}

const TABLES = [
  'users',
  'scim_users',
  'scim_groups',
  'scim_group_members',
  'grants',
  'scim_counts',
] as const;

/** Answers with the statements that make them again; what a constraint needs stays. */
async function dropIndexes(client: pg.PoolClient): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
       from pg_index i
      where i.indrelid in ('users'::regclass, 'scim_users'::regclass)
        and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`,
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}

/** What the triggers of the tables would have counted. */
const COUNTS = `
  insert into scim_counts (connection_id, kind, block, delta)
  select connection_id, 'User', seq / 4096, count(*) from scim_users group by 1, 3
  union all
  select connection_id, 'Group', seq / 4096, count(*) from scim_groups group by 1, 3`;

const PEOPLE = `
  select i, md5('user ' || i)::uuid as id, 'person-' || i || '@acme.example' as user_name,
         'Given' || i % 997 as given, 'Family' || i % 7919 as family,
         now() - interval '40 days' + i % 30 * interval '1 day' as seen,
         md5('external ' || i) as external_id
    from generate_series($1::int, $2::int) as i`;

const USERS = `
  insert into users (id, connection_id, subject, directory_id, owner, state, state_reason, state_changed_at,
                     email, given_name, family_name, attributes, created_at)
  select id, 'acme', external_id, external_id, 'scim', 'active', 'scim_provisioned', seen,
         user_name, given, family, '{}', seen
    from (${PEOPLE}) as people order by i`;

/** What a client sent, or the same in one case. */
function resource(text: (expression: string) => string): string {
  const display = "given || ' ' || family";
  return `jsonb_build_object(
    'userName', user_name, 'externalId', external_id, 'active', true, 'locale', ${text("'en-US'")},
    'name', jsonb_build_object('givenName', ${text('given')}, 'familyName', ${text('family')}),
    'displayName', ${text(display)}, 'title', ${text("'Title ' || i % 40")},
    'emails', jsonb_build_array(jsonb_build_object('value', user_name, 'type', 'work', 'primary', true)),
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
    jsonb_build_object('employeeNumber', i::text, 'department', ${text("'Department ' || i % 60")}))`;
}

const SCHEMAS = `jsonb_build_object('schemas', jsonb_build_array(
  'urn:ietf:params:scim:schemas:core:2.0:user',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user'))`;

const SCIM_USERS = `
  insert into scim_users (user_id, connection_id, user_name_key, external_id, active, email_keys,
                          resource, search, created_at, modified_at)
  select id, 'acme', user_name, external_id, true, array[user_name],
         ${resource((text) => text)}, ${resource((text) => `lower(${text})`)} || ${SCHEMAS}, seen, seen
    from (${PEOPLE}) as people order by i`;

/** The large one, and a thousand small ones that give nothing. */
const GROUPS = `
  with made as (
    insert into scim_groups (id, connection_id, display_name, display_name_key, resource, search, created_at, modified_at)
    select gen_random_uuid(), 'acme', name, lower(name), jsonb_build_object('displayName', name),
           jsonb_build_object('displayName', lower(name)), now(), now()
      from (select $1::text as name union all select 'Office-' || n from generate_series(1, 1000) as n) as names
    returning id, display_name)
  select id from made where display_name = $1`;

/** Spread over everybody, as the members of a real group are. */
const MEMBERS = `
  insert into scim_group_members (group_id, user_id)
  select $1::uuid, user_id from scim_users order by md5(user_id::text) limit $2`;

const GRANTS = `
  insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
  select user_id, 'analyst', 'acme', 'scim', 'scim', false,
         '[{"file": "rollcall.yaml", "line": 1, "groups": ["BI-Analysts"], "attributes": []}]', now(), now()
    from scim_group_members where group_id = $1`;
