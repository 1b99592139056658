import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import type { SweepStep } from '@rollcall/shared/db/tables';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { Lease } from './lease.ts';

/**
 * The form of what a run stores for whoever goes on with it: snapshot, look-ups, plan
 * lines. Raised whenever a worker of the last version could misread one of them. A run
 * of another version is begun anew, never gone on with.
 */
export const CHECKPOINT_VERSION = 1;

/** How far a run has come. What a step has not reached yet is left out. */
export interface SweepProgress {
  /** Pages of the listing. */
  readonly pages?: number;
  /** Rows of the listing. */
  readonly rows?: number;
  /** People who were looked up one by one. */
  readonly looked_up?: number;
  /** People about whom was decided, and how many there are. */
  readonly people?: number;
  readonly of_people?: number;
  /** Lines of the plan that were applied or skipped by this worker, and how many it had to. */
  readonly lines?: number;
  readonly of_lines?: number;
}

/** Writes down where a run stands. */
export interface Checkpoint {
  /**
   * A new step is written at once, progress within it once a second at most. Under the
   * fence: a worker that was paused does not tell of a run that another has taken over.
   * Throws `sweep.lease_lost`.
   */
  advance(step: SweepStep, progress?: SweepProgress): Promise<void>;
}

/** Progress within a step is written no oftener, in milliseconds. */
const EVERY_MS = 1_000;

/** Keeps the checkpoint of a run. */
export function keepCheckpoint(lease: Lease, runId: RunId, clock: () => EpochMs): Checkpoint {
  let current: SweepStep | null = null;
  let progress: SweepProgress = {};
  let writtenAt = Number.NEGATIVE_INFINITY;
  return {
    advance: async (step, more = {}) => {
      progress = { ...progress, ...more };
      if (step === current && performance.now() - writtenAt < EVERY_MS) return;
      current = step;
      writtenAt = performance.now();
      const [reached, at] = [JSON.stringify(progress), toTimestamp(clock())];
      await lease.write((tx) =>
        tx
          .updateTable('sweep_runs')
          .set({ step, progress: sql<string>`progress || ${reached}::jsonb`, progress_at: at })
          .where('id', '=', runId)
          .execute(),
      );
    },
  };
}

/** Whether what a run has stored was written in the form that this version reads. */
export async function isOfThisVersion(db: Database, runId: RunId): Promise<boolean> {
  const row = await db
    .selectFrom('sweep_runs')
    .select('checkpoint_version')
    .where('id', '=', runId)
    .executeTakeFirst();
  return row?.checkpoint_version === CHECKPOINT_VERSION;
}
