-- Why: of partners whose directory nobody may ask, silence is the only sign that somebody
-- has left: no sign-in for so many days. It says something only of days on which signing in
-- was possible. An outage of ours must not read as everybody's silence; and whoever is
-- warned is warned once.

-- What is known of sign-in by a connection on one day (UTC): a row for each day on which
-- an instance was ready to take sign-ins by it, or one came.
create table connection_days (
  connection_id text collate "C" not null,
  day           date not null,
  -- Somebody was let in.
  accepted      boolean not null default false,
  -- Refusals that may concern everybody who signs in by it.
  refused       integer not null default 0,
  primary key (connection_id, day)
);

-- Who was warned, of which silence (it began with that sign-in) and at which threshold.
create table silence_warnings (
  user_id      uuid not null references users (id) on delete cascade,
  silent_since timestamptz not null,
  days         integer not null,
  at           timestamptz not null,
  primary key (user_id, silent_since, days)
);
