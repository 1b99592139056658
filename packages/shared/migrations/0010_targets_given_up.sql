-- Why: a target may be given up in the moment in which a change is written for it. The
-- change then failed, for its delivery named a target that was gone; and with it failed the
-- sign-in or the end of access that was to be told of. A target is held until the commit
-- now, and one that is gone by then is told nothing.
create or replace function deliver_to_targets() returns trigger language plpgsql as $$
begin
  if not exists (select from outbox_targets) then
    return null;
  end if;
  perform from users where id in (select user_id from added) order by id for update;
  with held as materialized (select name from outbox_targets order by name for key share)
    insert into outbox_deliveries (target, outbox_id, user_id, due_at)
      select t.name, a.id, a.user_id, clock_timestamp()
        from added a cross join held t
       order by a.id, t.name;
  return null;
end
$$;
