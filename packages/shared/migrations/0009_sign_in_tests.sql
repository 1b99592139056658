-- Why: before people sign in by a connection, an operator wants to see what its identity
-- provider asserts and what follows, without making a user. A test is made at the command
-- line and done in a browser, which may meet another instance: so both meet here. Rows hold
-- what one assertion said; they are deleted with their ticket.
create table sign_in_tests (
  -- SHA-256 of the ticket, hexadecimal: whoever reads the table cannot use it.
  ticket_hash   text collate "C" primary key,
  connection_id text collate "C" not null,
  made_by       text not null,
  expires_at    timestamptz not null,
  -- SHA-256 of the secret in the cookie of the browser that used the ticket; null before.
  browser_hash  text collate "C" unique,
  -- What was seen; null until then.
  report        jsonb
);
