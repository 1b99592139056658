import type { Snapshot } from '@rollcall/shared/core/evidence';
import { after } from '@rollcall/shared/core/time';
import { judge } from '../reconcile/completeness.ts';
import { LOOK_UP_VALID_MS } from '../reconcile/policy.ts';
import { listDirectory } from './listing.ts';
import type { Run } from './run.ts';
import { lastCompleteRows, recordSnapshot, whyPlanOnly } from './runs.ts';
import { digestOfSnapshot, recordReturns } from './snapshot-rows.ts';
import type { PlanOnlyReason } from './summary.ts';

/** A listing that has been judged, and whether anything may follow by itself. */
export interface TakenSnapshot {
  readonly snapshot: Snapshot;
  readonly planOnlyBecause: PlanOnlyReason | null;
}

/** Lists the directory into the run's snapshot and judges it. Throws what {@link listDirectory} throws. */
export async function takeSnapshot(run: Run): Promise<TakenSnapshot> {
  const { db, lease, runId, sweep, startedAt } = run;
  const { connectionId } = sweep;
  const proof = await listDirectory(sweep.directory, lease, runId, run.signal);
  const snapshot = judge(proof, {
    runId,
    startedAt,
    digest: await digestOfSnapshot(db, runId),
    lastCompleteRows: await lastCompleteRows(db, connectionId),
  });
  const reason = await whyPlanOnly(db, sweep, proof.fingerprintAfter);
  const planOnlyBecause = reason ?? (run.planOnly ? 'operator_asked' : null);
  const now = run.clock();
  await lease.write(async (tx) => {
    await recordSnapshot(tx, snapshot, proof, planOnlyBecause);
    // Whoever is named is there, even where the listing proves nothing of the others.
    await recordReturns(tx, connectionId, runId, after(now, -LOOK_UP_VALID_MS), now);
  });
  return { snapshot, planOnlyBecause };
}
