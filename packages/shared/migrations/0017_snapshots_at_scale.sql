-- Why: a sweep of a million people has to take hardly longer than listing them. Writing a
-- listing down cost more than fetching it: each row went to the log of the database, into an
-- index of a million ids and past a check of its run; and then everybody was read again, one
-- by one, to be found unchanged.
--
-- A snapshot is of use to its own run alone, so it is not logged. Where the server of the
-- database dies meanwhile, both tables are empty afterwards, and the run notices: before it
-- compares, and once more before its plan is sealed, it counts what is there.

drop table snapshot_members;
create unlogged table snapshot_members (
  run_id       uuid not null,
  directory_id text collate "C" not null,
  standing     text not null check (standing in ('present', 'disabled', 'unassigned')),
  groups       text[],
  label        text,
  -- What the rules of this run give for these groups, a bit for each role; null where that
  -- needs a closer look.
  roles        bit varying
);
create index snapshot_members_of_run on snapshot_members (run_id);

-- Users of whom the comparison cannot say by itself that nothing follows for them, beside
-- what the snapshot says of them (empty: not listed). About each of them is decided.
create unlogged table sweep_doubts (
  run_id   uuid not null,
  user_id  uuid not null,
  standing text,
  groups   text[],
  label    text,
  primary key (run_id, user_id)
);

-- In the place of a foreign key, which would look for the run of each row.
create function forget_snapshots() returns trigger language plpgsql as $$
begin
  delete from snapshot_members where run_id in (select id from gone);
  delete from sweep_doubts where run_id in (select id from gone);
  return null;
end
$$;
create trigger sweep_runs_forget_snapshots after delete on sweep_runs
  referencing old table as gone for each statement execute function forget_snapshots();
