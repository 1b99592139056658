-- Why: sessions are ended by user, by connection, and by the names that an identity
-- provider gives them; and whoever is signing in at that very moment must not slip
-- through, nor an assertion that its own logout has overtaken (SAML Core §3.7.3.2).

alter table users
  -- Sign-ins that were begun by then make no session.
  add column sessions_ended_at timestamptz;

alter table connections
  add column sessions_ended_at timestamptz;

alter table sessions
  -- The rest of the NameID, so that it can be named and compared as it was signed.
  add column name_qualifier    text collate "C",
  add column sp_name_qualifier text collate "C",
  alter column name_id_format type text collate "C";

-- How a LogoutRequest names a session, and how the sessions of a connection are found.
create index sessions_by_name_id on sessions (connection_id, name_id) where ended_at is null;

-- What identity providers have logged out: an assertion of that session which was
-- issued before, and comes later, makes no session here.
create table logouts (
  connection_id     text collate "C" not null references connections (id),
  -- ID of the LogoutRequest.
  request_id        text collate "C" not null,
  name_id           text collate "C" not null,
  name_id_format    text collate "C",
  name_qualifier    text collate "C",
  sp_name_qualifier text collate "C",
  -- Null: every session of that NameID.
  session_indexes   text[],
  -- IssueInstant of the LogoutRequest, by the identity provider's clock, as assertions are.
  issued_at         timestamptz not null,
  expires_at        timestamptz not null,
  primary key (connection_id, request_id)
);
create index logouts_by_name_id on logouts (connection_id, name_id);
create index logouts_by_expiry on logouts (expires_at);
