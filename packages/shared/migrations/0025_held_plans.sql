-- Why: people whom a held plan is about are neither forgotten nor locked out. They are
-- contained in slow waves while it waits, whoever has to decide is told again and again,
-- and a person can say no. All of it has to survive the worker that does it.

alter table plans
  drop constraint plans_state_check,
  add constraint plans_state_check check (state in
    ('drafting', 'pending', 'held', 'applying', 'applied', 'superseded', 'expired', 'rejected',
     'undoing', 'undone')),
  -- Since when plans of this connection have been held without a break; empty: nobody is told.
  add column held_since    timestamptz,
  -- From here on the people of the lines that wait are contained; empty: nobody is.
  add column contains_from timestamptz,
  add column rejected_by   text,
  add column reject_reason text,
  add column rejected_at   timestamptz;

-- Whom a held plan has had contained, or why not: each person once for each plan.
create table held_containments (
  run_id        uuid not null references plans (run_id) on delete cascade,
  user_id       uuid not null references users (id) on delete cascade,
  connection_id text collate "C" not null,
  outcome       text not null check (outcome in ('contained', 'skipped')),
  outcome_why   text,
  -- The user's version that the containment left: the plan's line still means it.
  version_after integer,
  at            timestamptz not null,
  primary key (run_id, user_id)
);
create index held_containments_lately on held_containments (connection_id, at);

-- Each step of telling somebody again that a plan is held: once, whichever worker does it.
create table plan_escalations (
  connection_id text collate "C" not null,
  held_since    timestamptz not null,
  after_ms      bigint not null,
  run_id        uuid not null,
  at            timestamptz not null,
  primary key (connection_id, held_since, after_ms)
);
