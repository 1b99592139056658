-- Why: a plan that takes something from a large share of a connection needs the word of
-- two people. Who has approved must not be counted twice for a capital letter or a space,
-- nor be changed afterwards.

alter table plans
  -- How many people have to approve it: 1, or 2 for a large share.
  add column approvals_needed smallint not null default 1 check (approvals_needed between 1 and 2),
  -- When the last of them did: from here on it may be applied.
  add column approved_at      timestamptz;
update plans set approved_at = (select min(at) from plan_approvals a where a.digest = plans.digest);

alter table plan_approvals
  -- The approver's name, folded: the same person counts once.
  add column approver_key text,
  -- The account of the operating system that said so; null where that is not how it came.
  add column account      text,
  drop constraint plan_approvals_pkey,
  drop constraint plan_approvals_digest_fkey,
  add constraint plan_approvals_digest_fkey
    foreign key (digest) references plans (digest) on delete cascade;
update plan_approvals set approver_key = lower(approver);
alter table plan_approvals
  alter column approver_key set not null,
  add primary key (digest, approver_key);

-- Append-only: an approval is never changed, and goes only together with its plan.
create function refuse_change_of_approval() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and not exists (select from plans where digest = old.digest) then
    return old;
  end if;
  raise exception 'plan_approvals is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger plan_approvals_append_only before update or delete on plan_approvals
  for each row execute function refuse_change_of_approval();
