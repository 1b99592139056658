-- Why: a SCIM client that is refused again and again says so at the identity provider, where
-- nobody looks; here people go on having what was to be taken from them. What failed since
-- the last success is counted, for whoever keeps watch.

-- No row: the last request that counts was carried out.
create table scim_failures (
  connection_id text collate "C" primary key,
  failures      integer not null,
  since         timestamptz not null,
  last_at       timestamptz not null,
  code          text collate "C" not null
);
