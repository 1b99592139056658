-- Why: the first schema. One database is the truth for both halves: sign-in writes
-- users, grants and sessions; the sweep reads who is there and takes access away.
-- Every table that holds somebody's access is written by access/apply alone.

-- A connection as this database has known it: the entity id may never change
-- under a connection's name, because subjects are unique per connection.
create table connections (
  id            text collate "C" primary key,
  entity_id     text collate "C" not null,
  -- Raised to end every session of the connection at once.
  epoch         integer not null default 1,
  first_seen_at timestamptz not null
);

create table users (
  id                   uuid primary key,
  connection_id        text collate "C" not null references connections (id),
  -- Exact bytes, as signed: "C" so that no locale ever folds two people into one.
  subject              text collate "C" not null,
  -- The join to the directory; null where sign-in brought none.
  directory_id         text collate "C",
  owner                text not null check (owner in ('scim', 'roll', 'manual')),
  state                text not null check (state in ('active', 'suspected', 'contained', 'deactivated', 'purge_eligible')),
  -- Who disabled the user: only the same cause may enable again.
  cause                text check (cause in ('admin', 'scim', 'sweep')),
  -- The reason code of the last change of state.
  state_reason         text,
  state_changed_at     timestamptz not null,
  -- Break-glass: no automation takes this user's access.
  protected            boolean not null default false,
  -- Data, never an identity: may change, collide and be wrong.
  email                text,
  given_name           text,
  family_name          text,
  -- What was last seen; null groups are unknown groups, not none.
  groups               text[],
  -- When the groups were observed, by the clock of whoever observed them: older
  -- evidence never overwrites newer.
  groups_seen_at       timestamptz,
  attributes           jsonb not null default '{}',
  -- Raised to end every session of the user at once.
  epoch                integer not null default 1,
  -- Raised by every change: an older decision cannot overwrite a newer fact.
  version              integer not null default 1,
  created_at           timestamptz not null,
  -- Proof of life: when the identity provider last vouched for this person.
  last_assertion_at    timestamptz,
  last_confirmed_at    timestamptz,
  unique (connection_id, subject),
  -- A deactivated user always says who did it; an active one never does.
  check ((state in ('deactivated', 'purge_eligible')) = (cause is not null))
);
create index users_by_directory_id on users (connection_id, directory_id);
create index users_by_state on users (connection_id, state);
-- A sweep reads a connection's users in this order, part by part.
create index users_of_connection on users (connection_id, id);

-- A role that a user holds by one connection over one channel. Several
-- connections may hold the same role on one user; losing one takes only its own.
create table grants (
  user_id       uuid not null references users (id),
  role          text collate "C" not null,
  connection_id text collate "C" not null references connections (id),
  -- roll: asserted at sign-in or read by the sweep. scim and manual keep their own.
  channel       text not null check (channel in ('roll', 'scim', 'manual')),
  -- Where it was seen last.
  seen_in       text not null check (seen_in in ('assertion', 'directory', 'scim', 'manual')),
  privileged    boolean not null,
  -- The rules and groups that gave it: [{ file, line, groups, attributes }].
  because       jsonb not null,
  first_seen_at timestamptz not null,
  last_seen_at  timestamptz not null,
  primary key (user_id, role, connection_id, channel)
);
create index grants_of_privileged_roles on grants (role) where privileged;

create table sessions (
  id               uuid primary key,
  user_id          uuid not null references users (id),
  connection_id    text collate "C" not null references connections (id),
  user_epoch       integer not null,
  connection_epoch integer not null,
  -- For single logout: the pair by which the identity provider names the session.
  name_id          text collate "C" not null,
  name_id_format   text,
  session_index    text collate "C",
  created_at       timestamptz not null,
  last_seen_at     timestamptz not null,
  expires_at       timestamptz not null,
  ended_at         timestamptz,
  ended_reason     text
);
create index sessions_of_user on sessions (user_id) where ended_at is null;

-- What the cookie stands for, where Redis does not hold it (connect-pg-simple's shape).
create table http_sessions (
  sid    text collate "C" primary key,
  sess   json not null,
  expire timestamptz not null
);
create index http_sessions_by_expiry on http_sessions (expire);

-- Things that count once: a pending request, an assertion that was used. One row,
-- taken by one statement, whichever instance asks.
create table one_time (
  space      text collate "C" not null,
  key        text collate "C" not null,
  value      text not null,
  expires_at timestamptz not null,
  primary key (space, key)
);
create index one_time_by_expiry on one_time (expires_at);

create table audit_events (
  id            bigint generated always as identity primary key,
  at            timestamptz not null,
  kind          text not null,
  -- { kind: 'connection' | 'sweep' | 'operator' | 'user', id, … }
  actor         jsonb not null,
  user_id       uuid,
  connection_id text collate "C",
  reason        text,
  evidence      jsonb,
  before        jsonb,
  after         jsonb,
  -- The reference id that the person or the log saw.
  reference     text
);
create index audit_events_of_user on audit_events (user_id, id);
create index audit_events_of_connection on audit_events (connection_id, id);

-- Append-only by the database, not by manners.
create function refuse_change_of_audit() returns trigger language plpgsql as $$
begin
  raise exception 'audit_events is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_append_only before update or delete on audit_events
  for each row execute function refuse_change_of_audit();
create trigger audit_events_no_truncate before truncate on audit_events
  for each statement execute function refuse_change_of_audit();

-- Changes that others must hear of, written with the change itself.
create table outbox (
  id           bigint generated always as identity primary key,
  at           timestamptz not null,
  kind         text not null,
  user_id      uuid not null,
  payload      jsonb not null,
  delivered_at timestamptz
);
create index outbox_pending on outbox (user_id, id) where delivered_at is null;

-- One sweep of a connection at a time. The fence rises with each holder: a worker
-- that was paused and wakes up holds an old number and can write nothing.
create table sweep_leases (
  connection_id text collate "C" primary key,
  fence         bigint not null,
  holder        text not null,
  expires_at    timestamptz not null
);

create table sweep_runs (
  id                      uuid primary key,
  connection_id           text collate "C" not null,
  trigger                 text not null check (trigger in ('schedule', 'confirmation', 'operator')),
  state                   text not null check (state in ('listing', 'deciding', 'planned', 'held', 'applying', 'applied', 'incomplete', 'failed')),
  fence                   bigint not null,
  started_at              timestamptz not null,
  finished_at             timestamptz,
  -- Empty until the listing has ended: complete (with proof) or partial (with reason).
  snapshot_kind           text check (snapshot_kind in ('complete', 'partial')),
  partial_reason          text,
  explanation             text,
  rows                    integer,
  -- Fewer than the rows where the directory listed somebody twice.
  distinct_ids            integer,
  pages                   integer,
  announced_total         integer,
  digest                  text,
  directory_fingerprint   text,
  configuration           text,
  -- Why this run may only plan: first_sweep, configuration_changed, mode_observe …
  plan_only_because       text,
  -- How it ended, for programs: sweep.applied, directory.timed_out …
  code                    text,
  -- How many decisions of each kind and reason, and what became of them.
  counts                  jsonb,
  -- A person says that a listing that had shrunk was right: the next one is compared with it.
  size_accepted_by        text,
  size_accepted_reason    text,
  size_accepted_at        timestamptz
);
create index sweep_runs_of_connection on sweep_runs (connection_id, started_at desc);

-- The rows of one run's listing. Immutable once the run has been judged.
create table snapshot_members (
  run_id       uuid not null references sweep_runs (id) on delete cascade,
  directory_id text collate "C" not null,
  standing     text not null check (standing in ('present', 'disabled', 'unassigned')),
  groups       text[],
  label        text,
  primary key (run_id, directory_id)
);

-- Direct look-ups of people who were missing from a complete snapshot; and the rows of
-- later listings that named them after all, which take their absence back.
create table look_ups (
  id           bigint generated always as identity primary key,
  run_id       uuid not null references sweep_runs (id),
  user_id      uuid not null references users (id),
  standing     text not null check (standing in ('present', 'disabled', 'unassigned', 'absent', 'unknown')),
  canary       text not null check (canary in ('present', 'failed')),
  seen_in      text not null check (seen_in in ('look_up', 'listing')),
  at           timestamptz not null
);
create index look_ups_of_user on look_ups (user_id, at desc);
create index look_ups_by_time on look_ups (at);

create table plans (
  run_id         uuid primary key references sweep_runs (id),
  connection_id  text collate "C" not null,
  -- sha-256 over the lines: approval and apply name it.
  digest         text not null unique,
  -- drafting: the lines are still being written, and the digest is not known yet.
  state          text not null check (state in ('drafting', 'pending', 'held', 'applying', 'applied', 'superseded', 'expired')),
  held_why       jsonb,
  -- How many of the connection had access when the plan was made: the base of percentages.
  population     integer not null,
  created_at     timestamptz not null,
  expires_at     timestamptz not null,
  applied_at     timestamptz
);
create index plans_of_connection on plans (connection_id, created_at desc);

create table plan_lines (
  run_id       uuid not null references plans (run_id),
  seq          integer not null,
  user_id      uuid not null references users (id),
  -- deactivate, suspect, contain, change_roles, restore, refuse
  decision     text not null,
  reason       text not null,
  evidence     jsonb not null,
  -- The user as the decision saw them: applied only while it still holds.
  user_version integer not null,
  change       jsonb not null,
  -- What the brake counts the line as: absence, disabled, roles. Empty: it takes nothing.
  brake_class  text check (brake_class in ('absence', 'disabled', 'roles', 'returns')),
  -- Applied only under an approval of the plan's digest.
  waits        boolean not null default false,
  outcome      text check (outcome in ('applied', 'skipped')),
  outcome_why  text,
  applied_at   timestamptz,
  primary key (run_id, seq),
  unique (run_id, user_id, decision)
);
create index plan_lines_counted on plan_lines (applied_at) where outcome = 'applied' and brake_class is not null;
create index plan_lines_open on plan_lines (run_id, seq) where outcome is null;

-- Approval covers one digest and expires with the plan.
create table plan_approvals (
  digest      text not null references plans (digest),
  approver    text not null,
  people      integer not null,
  reason      text not null,
  at          timestamptz not null,
  primary key (digest, approver)
);

-- The name by which this database is told apart from others on the same Redis.
create table installation (
  one boolean primary key default true check (one),
  id  uuid not null default gen_random_uuid()
);
insert into installation default values;
