import type { RunId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import type { Checkpoint } from './checkpoint.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import type { Lease } from './lease.ts';

/** What the steps of one run share. */
export interface Run {
  readonly db: Database;
  readonly clock: () => EpochMs;
  /** Only plan, whatever the mode: an operator wants to look first. */
  readonly planOnly: boolean;
  readonly sweep: ConnectionSweep;
  readonly lease: Lease;
  readonly runId: RunId;
  readonly startedAt: EpochMs;
  readonly checkpoint: Checkpoint;
  /** Aborted when the worker stops or loses its lease. */
  readonly signal: AbortSignal;
}

/** When an absence seen now can be confirmed: after the last look-up, not after the first. */
export function confirmationTime(run: Pick<Run, 'sweep' | 'clock'>): EpochMs {
  return after(run.clock(), run.sweep.policy.confirmAfterMs);
}
