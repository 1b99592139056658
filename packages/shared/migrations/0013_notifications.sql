-- Why: a held sweep, a failing directory or a certificate that ends is of no use in a log
-- that nobody reads. What operators have to know is written down once, in the transaction
-- of what it tells of: so it is told exactly if that happened, whoever dies in between.

-- What happened (raised), and that it is over (resolved). A list of events, what they mean
-- and what their facts are is in `notify/events.ts`.
create table notifications (
  id            bigint generated always as identity primary key,
  at            timestamptz not null,
  event         text collate "C" not null,
  standing      text not null check (standing in ('raised', 'resolved')),
  -- Null where it is about the whole installation.
  connection_id text collate "C",
  -- What tells one occasion from the next: the id of a run, a fingerprint, a moment.
  about         text collate "C" not null,
  facts         jsonb not null
);
-- Once for each occasion, however many processes see it.
create unique index notifications_once
  on notifications (event, coalesce(connection_id, ''), about, standing);

-- Append-only by the database, not by manners.
create function refuse_change_of_notification() returns trigger language plpgsql as $$
begin
  raise exception 'notifications is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger notifications_append_only before update or delete on notifications
  for each row execute function refuse_change_of_notification();
create trigger notifications_no_truncate before truncate on notifications
  for each statement execute function refuse_change_of_notification();
