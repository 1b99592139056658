-- Why: a roster that partners send answers no look-ups, so an absence cannot be confirmed
-- by asking for the person. It counts by how often they were missing instead, which has to
-- be remembered; and a roster has a date of its own, for one that was not renewed is the
-- same miss again, and what happened after it was written is newer than what it says.

-- Complete snapshots of directories without look-ups that lacked a user with access. A row
-- goes as soon as one names the user again.
create table misses (
  user_id uuid not null references users (id) on delete cascade,
  -- The moment of which the snapshot spoke.
  as_of   timestamptz not null,
  -- When it was seen, and in which run.
  at      timestamptz not null,
  run_id  uuid not null,
  primary key (user_id, as_of)
);

alter table sweep_runs
  -- The date that the listing had of itself; null: it spoke of the time when it began.
  add column as_of timestamptz;
