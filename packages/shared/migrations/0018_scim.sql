-- Why: companies push their employees over SCIM. What a client sent is kept as it is to be
-- shown again, beside what it is found by; who has access, and which roles, stays with
-- users, grants and sessions, and is written by access/ alone.

-- The SCIM side of a user (RFC 7643 §4.1): its id is the user's. The row goes when the
-- client deletes the user; the user stays, without access.
create table scim_users (
  user_id       uuid primary key references users (id),
  connection_id text collate "C" not null references connections (id),
  -- The order of listings.
  seq           bigint generated always as identity,
  -- In one case: unique whatever the case.
  user_name_key text collate "C" not null,
  external_id   text collate "C",
  -- What the client says. Whether there is access is said by users.state.
  active        boolean not null,
  -- E-mail addresses in one case.
  email_keys    text[] not null,
  -- Attributes under the schema's names, as the client sent them.
  resource      jsonb not null,
  -- The same with every text in one case where its case says nothing: what filters ask.
  search        jsonb not null,
  -- Raised by every change: the entity tag.
  version       integer not null default 1,
  created_at    timestamptz not null,
  modified_at   timestamptz not null,
  unique (connection_id, user_name_key),
  unique (connection_id, external_id)
);
create index scim_users_in_order on scim_users (connection_id, seq);
-- Without a list of what is pending: it would make some writes wait for many.
create index scim_users_by_email on scim_users using gin (email_keys) with (fastupdate = off);

create table scim_groups (
  id               uuid primary key,
  connection_id    text collate "C" not null references connections (id),
  seq              bigint generated always as identity,
  -- The name as rules name it.
  display_name     text collate "C" not null,
  display_name_key text collate "C" not null,
  external_id      text collate "C",
  resource         jsonb not null,
  search           jsonb not null,
  version          integer not null default 1,
  created_at       timestamptz not null,
  modified_at      timestamptz not null,
  unique (connection_id, display_name_key)
);
create index scim_groups_in_order on scim_groups (connection_id, seq);
create index scim_groups_by_external_id on scim_groups (connection_id, external_id);

create table scim_group_members (
  group_id uuid not null references scim_groups (id) on delete cascade,
  user_id  uuid not null references scim_users (user_id) on delete cascade,
  primary key (group_id, user_id)
);
create index scim_group_members_by_user on scim_group_members (user_id);

-- A client's credentials. The secret is shown once and is nowhere here.
create table scim_tokens (
  id            uuid primary key,
  connection_id text collate "C" not null,
  -- Several rows of one name: one of them current, the others rotated out.
  name          text not null,
  -- sha-256 of 256 random bits, in hexadecimal: nothing leads back.
  secret_hash   text collate "C" not null unique,
  created_at    timestamptz not null,
  created_by    text not null,
  -- Null: until it is revoked.
  expires_at    timestamptz,
  -- When a successor was made.
  rotated_at    timestamptz,
  revoked_at    timestamptz,
  revoked_by    text,
  -- To the minute.
  last_used_at  timestamptz,
  last_used_from text,
  -- Networks it may be used from, in CIDR notation; empty: from everywhere.
  networks      text[] not null default '{}'
);
create index scim_tokens_of_connection on scim_tokens (connection_id, name);
