-- Why: one person may be known by several connections. An administrator, and nobody
-- else, may say so: each record stays a user with a life, an owner, grants and a sweep of
-- its own, and the records of one person are tied by the id of the one joined first.
-- And protection may be given by an administrator: in a column of its own, because the
-- other one says what the configuration says, and is written anew by each sign-in.

-- Null: alone. Else the id of the person, which is the id of one of the records.
alter table users add column person_id uuid references users (id);
create index users_of_person on users (person_id) where person_id is not null;

alter table users add column protected_by_admin boolean not null default false;
