-- Why: that nothing happens any more is an event that no part of the house can report by
-- itself. One worker at a time looks at what was written down, about once a minute, and
-- raises what has become too old, too often or too many.

-- When somebody last looked: where that is long ago, no worker is alive.
create table watch (
  one     boolean primary key default true check (one),
  last_at timestamptz not null
);

-- Since when a connection is to be swept: before that, its silence means nothing.
create table watched_connections (
  connection_id text collate "C" primary key,
  since         timestamptz not null
);

-- How many were admitted in which hour.
create index users_admitted on users (connection_id, created_at) where owner = 'roll';
-- Facts of one kind, however long the trail is.
create index audit_events_of_kept_roles on audit_events (at) where kind = 'roles.kept';
