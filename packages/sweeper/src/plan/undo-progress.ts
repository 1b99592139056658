import type { RunId } from '@rollcall/shared/core/ids';
import type { Database } from '@rollcall/shared/db/database';
import { sql } from 'kysely';

/** Of how many lines of a plan that were applied it has been said what became of their undo. */
export async function countTakenBack(
  db: Database,
  runId: RunId,
): Promise<{ readonly done: number; readonly all: number }> {
  const row = await db
    .selectFrom('plan_lines')
    .select([
      sql<string>`count(*) filter (where undo_outcome is not null)`.as('done'),
      sql<string>`count(*)`.as('all'),
    ])
    .where('run_id', '=', runId)
    .where('outcome', '=', 'applied')
    .executeTakeFirstOrThrow();
  return { done: Number(row.done), all: Number(row.all) };
}
