import type { PartialReason } from '@rollcall/shared/core/evidence';
import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { SweepState, SweepTrigger } from '@rollcall/shared/db/tables';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { HeldReason } from '../reconcile/brake.ts';

/** Why a run may do no more than plan. */
export type PlanOnlyReason =
  | 'first_sweep'
  | 'configuration_changed'
  | 'directory_changed'
  | 'undone'
  | 'mode_observe'
  | 'operator_asked';

/** How one sweep went. */
export interface SweepSummary {
  readonly kind: 'finished';
  readonly runId: RunId;
  readonly connectionId: ConnectionId;
  readonly trigger: SweepTrigger;
  /**
   * `applied`: nothing waits. `planned`, `held`: something waits for approval.
   * `incomplete`: the listing proves nothing. `failed`: something broke. `applying`:
   * the worker was stopped meanwhile, and the next one goes on.
   */
  readonly state: SweepState;
  /** For programs: `sweep.…`, `directory.…` or `listing.…`. */
  readonly code: string;
  /** For people, where the run came to nothing. */
  readonly explanation: string | null;
  /** Rows of the listing; null where it did not get that far. */
  readonly rows: number | null;
  readonly partialReason: PartialReason | null;
  /** How many decisions there were, by `kind reason`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly applied: number;
  readonly skipped: number;
  readonly sessionsEnded: number;
  /** How many lines wait for approval. */
  readonly waiting: number;
  /** The plan in which they wait, which may be an earlier run's. */
  readonly waitingPlan: { readonly runId: RunId; readonly digest: string } | null;
  readonly heldWhy: readonly HeldReason[];
  readonly planOnlyBecause: PlanOnlyReason | null;
  /** Lines of earlier plans that this run finished, because their worker had gone away. */
  readonly finishedEarlier: number;
  /** When absences can be confirmed that this run has seen for the first time; null: none. */
  readonly confirmAt: EpochMs | null;
  /** How long the directory asked us to wait, in milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;
}

/** A sweep did not begin: another worker is at this connection's. */
export interface SweepBusy {
  readonly kind: 'busy';
  readonly connectionId: ConnectionId;
  readonly holder: string | null;
}

export type SweepResult = SweepSummary | SweepBusy;

/** A sweep did not begin: it is not its turn at the directory yet. */
export interface SweepWaits {
  readonly kind: 'waits';
  readonly connectionId: ConnectionId;
  /** `directory_busy`: enough connections ask it now. `asked_to_wait`: it sent `Retry-After`. */
  readonly why: 'directory_busy' | 'asked_to_wait';
  /** How long to wait before asking again, in milliseconds. */
  readonly delayMs: number;
}

/** Writes the one line that a run leaves in the log. */
export function logSweep(log: Log, result: SweepResult | SweepWaits): void {
  if (result.kind === 'waits') {
    const { connectionId, why, delayMs } = result;
    log.debug({ event: 'sweep.waits', connection: connectionId, why, delay_ms: delayMs });
    return;
  }
  if (result.kind === 'busy') {
    const { connectionId, holder } = result;
    log.info({ event: 'sweep.busy', connection: connectionId, holder });
    return;
  }
  const { kind: _, connectionId, runId, waitingPlan, ...rest } = result;
  const line = {
    event: 'sweep.finished',
    connection: connectionId,
    run: runId,
    plan: waitingPlan?.digest ?? null,
    ...rest,
  };
  if (result.state === 'failed') log.error(line);
  else if (result.state === 'incomplete' || result.state === 'held') log.warn(line);
  else log.info(line);
}
