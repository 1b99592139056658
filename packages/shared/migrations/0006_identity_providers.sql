-- Why: what we trust of an identity provider changes while the service runs, has to
-- survive an outage of its metadata address and a restart of ours, and has to be the
-- same on every instance. One of them fetches; the others read here.

-- The last good copy of the metadata of one address. The address is part of the key,
-- so that two versions of a configuration that run side by side do not fight.
create table identity_providers (
  connection_id  text collate "C" not null,
  -- SHA-256 of the address, which may hold a key in its query.
  source         text collate "C" not null,
  -- For people: the address without its query.
  address        text not null,
  -- Raised by every change of the copy or its certificates: others read again.
  version        integer not null default 0,
  -- Null until it was fetched for the first time.
  xml            text,
  etag           text,
  last_modified  text,
  -- When the identity provider last said that this is its metadata.
  fetched_at     timestamptz,
  valid_until    timestamptz,
  -- When it is fetched again, and by when whoever is at it has to be done.
  due_at         timestamptz not null,
  claimed_until  timestamptz,
  -- Failures since the last success, and the last one.
  failures       integer not null default 0,
  failed_at      timestamptz,
  failure_code   text,
  failure        text,
  primary key (connection_id, source)
);

-- Every certificate that the metadata has named, and since when it no longer does.
create table identity_provider_certificates (
  connection_id  text collate "C" not null,
  source         text collate "C" not null,
  -- SHA-256 of the certificate, hexadecimal with colons.
  fingerprint    text collate "C" not null,
  pem            text not null,
  -- announced: trusted. withdrawn: trusted until `trusted_until`. refused: it stood in
  -- metadata that was not believed, never trusted, kept to be looked at.
  standing       text not null check (standing in ('announced', 'withdrawn', 'refused')),
  first_seen_at  timestamptz not null,
  last_seen_at   timestamptz not null,
  withdrawn_at   timestamptz,
  trusted_until  timestamptz,
  primary key (connection_id, source, fingerprint),
  foreign key (connection_id, source) references identity_providers on delete cascade,
  check ((standing = 'withdrawn') = (withdrawn_at is not null)),
  check ((standing = 'withdrawn') = (trusted_until is not null))
);
