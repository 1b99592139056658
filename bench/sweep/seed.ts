import type pg from 'pg';
import { ADMINS } from './people.ts';

/**
 * Fills the database with people as sign-ins leave them: users, their grants, and a live
 * session for one in five. By SQL, for a million sign-ins would take hours; nothing of
 * that is measured. The arithmetic is that of `people.ts`.
 */
export async function seedPeople(pool: pg.Pool, people: number): Promise<void> {
  await pool.query(
    `insert into users (id, connection_id, subject, directory_id, owner, state, state_reason, state_changed_at,
                        email, given_name, family_name, groups, groups_seen_at, attributes, created_at, last_assertion_at)
     select md5('user ' || i)::uuid, 'acme', directory_id, directory_id, 'roll', 'active', 'signed_in', seen,
            'person-' || i || '@acme.example', 'Given' || i % 997, 'Family' || i % 7919,
            array['Everyone', 'BI-Team-' || i * 7 % 211, 'BI-Project-' || lpad((i * 13 % 53)::text, 2, '0'),
                  'Office-' || i % 31, case when i < ${ADMINS} then 'BI-Admins' else 'Newsletter' end],
            seen, jsonb_build_object('title', jsonb_build_array('Title ' || i % 40)), seen, seen
       from (select i, '00u' || left(md5('person ' || i), 17) as directory_id,
                    now() - interval '2 days' - i % 30 * interval '1 day' as seen
               from generate_series(0, $1::int - 1) as i) as people`,
    [people],
  );
  await pool.query(
    `insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
     select u.id, r.role, 'acme', 'roll', 'assertion', r.role = 'admin',
            jsonb_build_array(jsonb_build_object('file', 'rollcall.yaml', 'line', r.line,
                                                 'groups', jsonb_build_array(u.groups[r.place]), 'attributes', '[]'::jsonb)),
            u.created_at, u.last_assertion_at
       from users u
       join (values ('viewer', 1, 30, 'Everyone'), ('analyst', 2, 31, 'BI-Team-%'), ('reader', 4, 32, 'Office-%'),
                    ('editor', 3, 33, 'BI-Project-0%'), ('editor', 3, 33, 'BI-Project-1%'), ('admin', 5, 34, 'BI-Admins'))
            as r (role, place, line, pattern) on u.groups[r.place] like r.pattern`,
  );
  await pool.query(
    `insert into sessions (id, user_id, connection_id, user_epoch, connection_epoch, name_id,
                           created_at, last_seen_at, expires_at)
     select md5('session ' || id)::uuid, id, 'acme', 1, 1, subject, now(), now(), now() + interval '8 hours'
       from users where left(id::text, 2) < '33'`,
  );
  await pool.query('vacuum analyze users, grants, sessions');
}
