-- Why: a plan that was applied can be taken back, line by line and exactly. Each line
-- keeps what it found when it was applied; deactivation keeps grants anyway, a change of
-- roles does not.

alter table plan_lines
  -- What the line changed, as it was before; null where it changed nothing.
  add column undo         jsonb,
  add column undo_outcome text check (undo_outcome in ('undone', 'skipped')),
  add column undo_why     text,
  add column undone_at    timestamptz;
create index plan_lines_to_undo on plan_lines (run_id, seq)
  where outcome = 'applied' and undo_outcome is null;

alter table plans
  drop constraint plans_state_check,
  add constraint plans_state_check check (state in
    ('drafting', 'pending', 'held', 'applying', 'applied', 'superseded', 'expired', 'undoing', 'undone')),
  -- From here on sweeps of the connection only plan, until a person has approved one.
  add column undo_begun_at timestamptz,
  add column undo_by       text,
  add column undo_reason   text;
create index plans_undone on plans (connection_id, undo_begun_at) where undo_begun_at is not null;
