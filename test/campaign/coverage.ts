import type pg from 'pg';
import type { Simulation } from './simulation.ts';

/** Adds what became of runs, plans and lines to the counts of a run: what it really reached. */
export async function readCoverage(client: pg.Client, simulation: Simulation): Promise<void> {
  const { rows } = await client.query<{ name: string; n: number }>(`
    select 'line ' || concat_ws(' ', decision, reason, outcome, outcome_why) as name, count(*)::int as n
      from plan_lines group by 1
    union all
    select 'undo ' || concat_ws(' ', undo_outcome, undo_why), count(*)::int
      from plan_lines where undo_outcome is not null group by 1
    union all
    select 'plan ' || state, count(*)::int from plans group by 1
    union all
    select 'held ' || (why ->> 'rule'), count(*)::int
      from plans, jsonb_array_elements(held_why) as why group by 1
    union all
    select 'only planned ' || plan_only_because, count(*)::int
      from sweep_runs where plan_only_because is not null group by 1
    union all
    select 'decision ' || key, sum(value::int)::int
      from sweep_runs, jsonb_each_text(counts) group by 1`);
  for (const { name, n } of rows)
    simulation.counts.set(name, (simulation.counts.get(name) ?? 0) + n);
  for (const [name, n] of simulation.oracle.seen) simulation.counts.set(name, n);
}
