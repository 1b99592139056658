import { AppError } from '@rollcall/shared/core/errors';
import type { RunId } from '@rollcall/shared/core/ids';
import type { Database } from '@rollcall/shared/db/database';
import { beginDigest } from './digest.ts';
import { type PlannedChange, toPlannedChange } from './line.ts';
import type { PlanHead } from './plan-head.ts';

const PART = 1_000;

/**
 * Reads a stored plan again and compares its lines with its digest: what is applied is
 * what was shown and approved. Throws `plan.altered`.
 */
export async function requireIntact(db: Database, plan: PlanHead): Promise<void> {
  const { runId, connectionId } = plan;
  const digest = beginDigest({ runId, connectionId, configuration: plan.configuration ?? '' });
  for (let cursor = 0; ; ) {
    const rows = await readLines(db, runId, cursor);
    const last = rows.at(-1);
    if (last === undefined) break;
    cursor = last.seq;
    for (const row of rows) {
      digest.add({
        userId: row.user_id,
        decision: row.decision as PlannedChange['kind'],
        reason: row.reason,
        evidence: row.evidence,
        userVersion: row.user_version,
        change: toPlannedChange(row.change),
      });
    }
  }
  const received = digest.finish();
  if (received === plan.digest) return;
  throw new AppError('plan.altered', 'The plan is not the one that was made: sweep again.', {
    detail: { expected: plan.digest, received },
  });
}

function readLines(db: Database, runId: RunId, cursor: number) {
  return db
    .selectFrom('plan_lines')
    .select(['seq', 'user_id', 'decision', 'reason', 'evidence', 'user_version', 'change'])
    .where('run_id', '=', runId)
    .where('seq', '>', cursor)
    .orderBy('seq')
    .limit(PART)
    .execute();
}
