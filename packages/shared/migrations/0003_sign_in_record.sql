-- Why: an operator has to see why sign-ins by a connection fail, and how far the
-- clocks are apart, without searching the log. Anybody can cause refusals, so they are
-- counted and not listed: a flood of one kind is one row a day. No access hangs on these
-- tables, and no foreign key: writing down must not fail for what a connection has become.

-- Refused sign-ins of a connection by code and day (UTC).
create table sign_in_refusals (
  connection_id text collate "C" not null,
  code          text collate "C" not null,
  day           date not null,
  count         bigint not null,
  first_at      timestamptz not null,
  last_at       timestamptz not null,
  -- The latest few, newest first: [{ at, reference, expected, received }]; short texts
  -- with control characters escaped, never an assertion or a secret.
  recent        jsonb not null,
  primary key (connection_id, code, day)
);
create index sign_in_refusals_by_day on sign_in_refusals (day);

-- The last good sign-in by a connection.
create table connection_sign_ins (
  connection_id    text collate "C" primary key,
  last_at          timestamptz not null,
  -- Our clock less the assertion's IssueInstant at the latest sign-ins, newest first.
  clock_offsets_ms integer[] not null
);
