-- Why: when a client at an identity provider says that somebody could not be provisioned,
-- whoever runs this service has to find the request: what it meant and what it was answered.
-- What a request changed is in audit_events, in the transaction of the change; this is
-- written after the answer and may lack requests, and then says how many.

create table scim_requests (
  -- The order of the listing, and of the pruning: the lowest ids are the oldest.
  id            bigint generated always as identity primary key,
  at            timestamptz not null,
  -- Null: nobody knows whose request it was.
  connection_id text collate "C",
  token         text,
  method        text collate "C" not null,
  -- Ids that are none of ours are masked: clients ask for e-mail addresses.
  path          text collate "C" not null,
  -- A sentence, with names of attributes and numbers, and no value that anybody sent.
  meaning       text not null,
  target_kind   text collate "C" check (target_kind in ('User', 'Group')),
  target_id     uuid,
  status        integer not null,
  scim_type     text collate "C",
  code          text collate "C",
  duration_ms   integer not null,
  reference     text collate "C" not null,
  -- How many requests of the same process before this one are not here.
  dropped       integer not null default 0
);
create index scim_requests_of_connection on scim_requests (connection_id, id);
create index scim_requests_of_target on scim_requests (target_id, id) where target_id is not null;
-- What is watched for: how many are refused, and whose access clients end, by the hour.
create index scim_requests_refused on scim_requests (connection_id, at) include (code)
  where status >= 400 and status not in (401, 404, 429);
create index users_ended_by_scim on users (connection_id, state_changed_at) where cause = 'scim';
