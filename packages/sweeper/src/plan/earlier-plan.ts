import type { RunId } from '@rollcall/shared/core/ids';
import type { Database } from '@rollcall/shared/db/database';

/**
 * The digest of the plan in which the lines of this one waited already when it was made;
 * null where they waited in none.
 */
export async function planThatWaitsInstead(db: Database, runId: RunId): Promise<string | null> {
  const left = await db
    .selectFrom('plan_lines as line')
    .innerJoin('plans as plan', 'plan.run_id', 'line.run_id')
    .select(['plan.connection_id', 'plan.created_at'])
    .where('line.run_id', '=', runId)
    .where('line.outcome_why', '=', 'waits_in_earlier_plan')
    .limit(1)
    .executeTakeFirst();
  if (left === undefined) return null;
  // Of the plans before it, the newest that did not itself leave its lines to another.
  const earlier = await db
    .selectFrom('plans as plan')
    .select('plan.digest')
    .where('plan.connection_id', '=', left.connection_id)
    .where('plan.created_at', '<', left.created_at)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('plan_lines as line')
          .select('line.seq')
          .whereRef('line.run_id', '=', 'plan.run_id')
          .where('line.waits', '=', true)
          .where((line) =>
            line.or([
              line('line.outcome_why', 'is', null),
              line('line.outcome_why', '!=', 'waits_in_earlier_plan'),
            ]),
          ),
      ),
    )
    .orderBy('plan.created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return earlier?.digest ?? null;
}
