import type { DirectoryMember, Snapshot } from '@rollcall/shared/core/evidence';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Directory } from '../directories/port.ts';
import { judge, ownRecord } from '../reconcile/completeness.ts';
import { LOOK_UP_VALID_MS } from '../reconcile/policy.ts';
import { type FinishedListing, listDirectory } from './listing.ts';
import type { Run } from './run.ts';
import {
  lastAsOf,
  lastCompleteRows,
  recordOwnRecord,
  recordSnapshot,
  whyPlanOnly,
} from './runs.ts';
import { beginSnapshot } from './snapshot-draft.ts';
import { awaitedIds, recordReturns } from './snapshot-rows.ts';
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
  const since = after(run.clock(), -LOOK_UP_VALID_MS);
  const named: DirectoryMember[] = [];
  const { proof, digest } = await listAndRemember(run, since, named);
  const snapshot = judge(proof, {
    runId,
    startedAt,
    digest,
    lastCompleteRows: await lastCompleteRows(db, connectionId),
    lastAsOf: await lastAsOf(db, connectionId),
  });
  const reason = await whyPlanOnly(db, sweep, proof.fingerprintAfter);
  const planOnlyBecause = reason ?? (run.planOnly ? 'operator_asked' : null);
  const now = run.clock();
  await lease.write(async (tx) => {
    await recordSnapshot(tx, snapshot, proof, planOnlyBecause);
    // Whoever is named is there, even where the listing proves nothing of the others.
    await recordReturns(tx, { connectionId, runId }, named, since, now);
  });
  return { snapshot, planOnlyBecause };
}

/** What stands for the listing of a connection without a directory. */
export async function takeOwnRecord(run: Run): Promise<TakenSnapshot> {
  const { db, lease, runId, sweep, startedAt, signal } = run;
  const fingerprint = await sweep.directory.fingerprint(signal);
  const snapshot = ownRecord({ runId, startedAt, digest: fingerprint });
  const reason = await whyPlanOnly(db, sweep, fingerprint);
  const planOnlyBecause = reason ?? (run.planOnly ? 'operator_asked' : null);
  await lease.write((tx) => recordOwnRecord(tx, snapshot, planOnlyBecause));
  return { snapshot, planOnlyBecause };
}

/**
 * Lists the directory; whom of those that are awaited it names is added to `named`. A
 * listing that breaks off proves nothing of those whom it did not name, but those whom it
 * did are there: their absence is taken back all the same.
 */
async function listAndRemember(
  run: Run,
  since: EpochMs,
  named: DirectoryMember[],
): Promise<FinishedListing> {
  const { db, lease, runId, sweep, signal } = run;
  const { connectionId, directory, policy } = sweep;
  const awaited = await awaitedIds(db, connectionId, since);
  try {
    const progress = (reached: { pages: number; rows: number }) =>
      run.checkpoint.advance('listing', reached);
    const draft = beginSnapshot(lease, runId, policy);
    return await listDirectory(noting(directory, awaited, named), draft, signal, progress);
  } catch (error) {
    if (named.length > 0) {
      const now = run.clock();
      await lease.write((tx) => recordReturns(tx, { connectionId, runId }, named, since, now));
    }
    throw error;
  }
}

/** The directory itself, which adds to `named` whom of `awaited` it lists. */
function noting(
  directory: Directory,
  awaited: ReadonlySet<string>,
  named: DirectoryMember[],
): Directory {
  const { type, capabilities } = directory;
  return {
    type,
    capabilities,
    fingerprint: (signal) => directory.fingerprint(signal),
    lookUp: (id, signal) => directory.lookUp(id, signal),
    async *list(signal) {
      for await (const page of directory.list(signal)) {
        for (const member of page.members) if (awaited.has(member.id)) named.push(member);
        yield page;
      }
    },
  };
}
