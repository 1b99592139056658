-- Why: a sweep of a large directory takes minutes, and its worker may die at any line.
-- Where a run stands is written down: for people, who see it move, and for the next
-- worker, which goes on only with what its own version of the program has written.

alter table sweep_runs
  -- The form of what this run has stored. A run of another form is never gone on with.
  add column checkpoint_version integer,
  add column step text check (step in ('listing', 'looking_up', 'deciding', 'planned', 'applying')),
  -- { pages, rows, looked_up, people, of_people, lines, of_lines }, as far as it has come.
  add column progress jsonb not null default '{}',
  -- When the worker last wrote one of these.
  add column progress_at timestamptz;
