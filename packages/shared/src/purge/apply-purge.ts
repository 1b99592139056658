import { purgeUser } from '../access/purge.ts';
import type { Actor } from '../core/actor.ts';
import { AppError } from '../core/errors.ts';
import type { EpochMs } from '../core/time.ts';
import { type Database, inTransaction } from '../db/database.ts';
import { fromTimestamp, toTimestamp } from '../db/timestamp.ts';
import { countPurgeLines, type PurgeCounts, type PurgePlan } from './purge-plan.ts';

/** Who applies a plan, and why. */
export interface PurgeOrder {
  readonly plan: PurgePlan;
  readonly by: string;
  readonly reason: string;
}

/**
 * Purges line by line, each in a transaction of its own with its outcome: it may be broken
 * off at any point, and the same call goes on. Two calls at once share the lines. A line
 * that no longer holds is skipped and says why. Throws `purge.expired` where the plan has
 * expired and was not begun.
 */
export async function applyPurge(
  db: Database,
  { plan, by, reason }: PurgeOrder,
  clock: () => EpochMs,
): Promise<PurgeCounts> {
  const before = await countPurgeLines(db, plan.id);
  const begun = before.purged + before.skipped > 0;
  if (!begun && clock() > plan.expiresAt) {
    throw new AppError('purge.expired', 'This purge plan has expired: make a new one.', {
      detail: { expired_at: plan.expiresAt },
    });
  }
  const actor: Actor = { kind: 'operator', name: by };
  while (await purgeNext(db, plan, { reason, actor }, clock())) {
    // Each line is a transaction.
  }
  const counts = await countPurgeLines(db, plan.id);
  if (counts.purged + counts.skipped === counts.lines) {
    await db
      .updateTable('purge_plans')
      .set({ applied_at: toTimestamp(clock()) })
      .where('id', '=', plan.id)
      .where('applied_at', 'is', null)
      .execute();
  }
  return counts;
}

/** False where no line is open that nobody else has in hand. */
async function purgeNext(
  db: Database,
  plan: PurgePlan,
  { reason, actor }: { readonly reason: string; readonly actor: Actor },
  now: EpochMs,
): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const line = await tx
      .selectFrom('purge_lines')
      .select(['seq', 'user_id', 'ended_at'])
      .where('plan_id', '=', plan.id)
      .where('outcome', 'is', null)
      .orderBy('seq')
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (line === undefined) return false;
    const evidence = { planDigest: plan.digest };
    const purge = { userId: line.user_id, endedAt: fromTimestamp(line.ended_at), reason, evidence };
    const why = await purgeUser(tx, purge, actor, now);
    await tx
      .updateTable('purge_lines')
      .set({
        outcome: why === null ? 'purged' : 'skipped',
        outcome_why: why,
        applied_at: toTimestamp(now),
      })
      .where('plan_id', '=', plan.id)
      .where('seq', '=', line.seq)
      .execute();
    return true;
  });
}
