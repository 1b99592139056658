-- Why: many connections may ask one and the same directory, from several processes. How
-- many do so at once, how fast, and that it has asked us to wait, is therefore known
-- here: Postgres is always there, its clock is one, and a lease that runs out frees a
-- dead worker's place by itself.

alter table sweep_leases
  -- The directory that the holder asks, by its origin; null where it asks none.
  add column place text collate "C";
create index sweep_leases_by_place on sweep_leases (place, expires_at) where place is not null;

create table directory_pace (
  place      text collate "C" primary key,
  -- When the next request may be sent, where requests per second are limited.
  next_at    timestamptz not null,
  -- Until when the directory has asked to be left alone (Retry-After); null: it has not.
  not_before timestamptz
);
