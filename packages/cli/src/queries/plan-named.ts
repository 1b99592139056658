import type { Database } from '@rollcall/shared/db/database';
import { findPlan, type PlanHead } from '@rollcall/sweeper/plan/plan-head';

/** The shortest beginning of a digest that people may type. */
export const SHORTEST_PREFIX = 6;
const PREFIX = /^[0-9a-f]{6,64}$/;

/**
 * The plan that a person names: by its run's id, its digest, or a beginning of the
 * digest of at least {@link SHORTEST_PREFIX} digits.
 * Throws `plan.not_found` and `plan.ambiguous`.
 */
export async function findNamedPlan(db: Database, name: string): Promise<PlanHead> {
  const wanted = name.toLowerCase();
  if (!PREFIX.test(wanted)) return findPlan(db, wanted);
  const rows = await db
    .selectFrom('plans')
    .select('digest')
    .where('digest', 'like', `${wanted}%`)
    .where('state', '!=', 'drafting')
    .limit(2)
    .execute();
  const [only] = rows;
  return findPlan(db, rows.length === 1 && only !== undefined ? only.digest : wanted);
}

/** A digest as people pass it on: enough to be the only one, and short enough to type. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}
