-- Why: what is kept, for how long, and what is left of somebody who was purged. Purging takes
-- personal data away and keeps ids: plans and the audit trail still say what happened to
-- whom. A tombstone holds the hash of the subject, so that no old assertion, listing or
-- run makes the person anew without anybody noticing.

alter table installation
  -- When the daily work of retention is due, for whichever worker comes first.
  add column retention_due_at timestamptz not null default now();

alter table users
  -- When personal data was taken out of this row; it never has access again.
  add column purged_at timestamptz,
  add constraint users_purged_stay_out check (purged_at is null or state = 'purge_eligible');
create index users_to_purge on users (state_changed_at, id)
  where state in ('deactivated', 'purge_eligible') and purged_at is null;

-- The hash of an id that a connection gives. Of this installation alone: two of them
-- cannot find out whom they have both forgotten.
create function tombstone_hash(connection text, id text) returns text language sql stable as $$
  select encode(sha256(convert_to(i.id::text || ' ' || connection || ' ' || tombstone_hash.id, 'UTF8')), 'hex')
    from installation i
$$;

create table tombstones (
  connection_id  text collate "C" not null,
  subject_hash   text collate "C" not null,
  -- Null where the directory had no id for the person.
  directory_hash text collate "C",
  user_id        uuid not null references users (id),
  -- Who had ended the access, and when: only the same cause brings the person back.
  owner          text not null,
  cause          text not null,
  ended_at       timestamptz not null,
  purged_at      timestamptz not null,
  primary key (connection_id, subject_hash)
);
create index tombstones_by_directory_id on tombstones (connection_id, directory_hash)
  where directory_hash is not null;

create table purge_plans (
  id         uuid primary key,
  -- sha-256 over the lines; what apply names.
  digest     text collate "C" not null unique,
  made_by    text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  applied_at timestamptz
);

create table purge_lines (
  plan_id     uuid not null references purge_plans (id) on delete cascade,
  seq         integer not null,
  user_id     uuid not null references users (id),
  -- Since when the person had no access: where that has moved, the line is skipped.
  ended_at    timestamptz not null,
  outcome     text check (outcome in ('purged', 'skipped')),
  outcome_why text,
  applied_at  timestamptz,
  primary key (plan_id, seq)
);
create index purge_lines_open on purge_lines (plan_id, seq) where outcome is null;
create index look_ups_of_run on look_ups (run_id);
