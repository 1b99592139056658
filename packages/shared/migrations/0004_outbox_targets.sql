-- Why: changes leave the house to several who want to know of them (handlers of a host
-- app today, webhooks and apps tomorrow), each at its own pace: one that fails must not
-- hold up another. One mark on the change itself cannot say that. So each target gets a
-- row of its own for each change, in the transaction of the change.

-- Who wants to hear of changes: from the moment of registration on.
create table outbox_targets (
  name          text collate "C" primary key,
  registered_at timestamptz not null,
  -- When one of its relays was last at work: a target that nobody serves is given up.
  seen_at       timestamptz not null
);

-- What is still to be handed over. A row goes when its target has taken the change.
create table outbox_deliveries (
  -- The order in which a target hears of one user.
  seq       bigint generated always as identity primary key,
  target    text collate "C" not null references outbox_targets (name) on delete cascade,
  outbox_id bigint not null references outbox (id),
  user_id   uuid not null,
  attempts  integer not null default 0,
  -- Not before this: later than now while somebody has it in hand, or after a failure.
  due_at    timestamptz not null,
  -- Who has it in hand; what another one has taken over is nobody's to mark any more.
  claim     uuid,
  error     text,
  failed_at timestamptz,
  -- Given up after too many attempts; the later ones of the same user wait behind it.
  parked_at timestamptz
);
create index outbox_deliveries_of_user on outbox_deliveries (target, user_id, seq);
create index outbox_deliveries_due on outbox_deliveries (target, due_at, seq) where parked_at is null;
create index outbox_deliveries_of_change on outbox_deliveries (outbox_id);

-- For the end of retention.
create index outbox_by_time on outbox (at);
drop index outbox_pending;
alter table outbox drop column delivered_at;

-- By the database, so that no writer can forget it. Numbers are given before a commit,
-- and so a higher one may be seen first; per user it cannot, because whoever adds a
-- change holds the row of its user until the commit, here at the latest.
create function deliver_to_targets() returns trigger language plpgsql as $$
begin
  if not exists (select from outbox_targets) then
    return null;
  end if;
  perform from users where id in (select user_id from added) order by id for update;
  insert into outbox_deliveries (target, outbox_id, user_id, due_at)
    select t.name, a.id, a.user_id, clock_timestamp()
      from added a cross join outbox_targets t
     order by a.id, t.name;
  return null;
end
$$;
create trigger outbox_to_targets after insert on outbox
  referencing new table as added for each statement execute function deliver_to_targets();
