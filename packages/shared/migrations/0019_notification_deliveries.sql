-- Why: a notification that nobody hears is none. Each sink (a webhook, a channel, a mailbox,
-- the log) gets a row of its own for each, in the transaction of the notification: one that
-- fails is tried again for itself, and what became of each can be looked at.

-- Who is told: from the moment of registration on.
create table notification_sinks (
  name          text collate "C" primary key,
  -- Of which events; null: of all.
  events        text[],
  registered_at timestamptz not null,
  -- When one of its relays was last at work: a sink that nobody serves is given up.
  seen_at       timestamptz not null,
  -- Since when it wants to hear nothing any more, and what it said; until somebody replays.
  gone_at       timestamptz,
  gone_why      text
);

create table notification_deliveries (
  seq             bigint generated always as identity primary key,
  sink            text collate "C" not null references notification_sinks (name) on delete cascade,
  notification_id bigint not null references notifications (id),
  attempts        integer not null default 0,
  -- Not before this: later than now while somebody has it in hand, or after a failure.
  due_at          timestamptz not null,
  -- Who has it in hand; what another one has taken over is nobody's to mark any more.
  claim           uuid,
  error           text,
  failed_at       timestamptz,
  -- Given up after too many attempts, until somebody replays it.
  parked_at       timestamptz,
  delivered_at    timestamptz,
  unique (notification_id, sink)
);
create index notification_deliveries_due on notification_deliveries (sink, due_at)
  where delivered_at is null and parked_at is null;

-- By the database, so that no writer can forget it. A sink is held until the commit: it may
-- be given up in the moment in which something is written for it.
create function deliver_to_sinks() returns trigger language plpgsql as $$
begin
  with held as materialized (
    select name from notification_sinks
     where events is null or new.event = any(events) order by name for key share)
    insert into notification_deliveries (sink, notification_id, due_at)
      select name, new.id, clock_timestamp() from held;
  return null;
end
$$;
create trigger notifications_to_sinks after insert on notifications
  for each row execute function deliver_to_sinks();

-- A target that answers 410 Gone is sent nothing more, and what it was to be told waits.
alter table outbox_targets add column gone_at timestamptz;
alter table outbox_targets add column gone_why text;
