import { codeOf } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { SweepTrigger } from '@rollcall/shared/db/tables';
import type { Job, JobQueue } from '@rollcall/shared/queue/queues';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { LEASE_MS } from '../sweep/lease.ts';
import { runSweep, type SweepTools } from '../sweep/run-sweep.ts';
import type { SweepResult, SweepSummary } from '../sweep/summary.ts';
import { SWEEP_JOB, type SweepPayload, sweepPayload } from './payload.ts';

/** What the jobs of the sweep stand on. */
export interface SweepWork {
  readonly sweeps: ReadonlyMap<string, ConnectionSweep>;
  readonly queue: JobQueue;
  readonly tools: SweepTools & { readonly clock: () => EpochMs };
}

/** Room for two clocks that do not quite agree, in milliseconds. */
const MARGIN_MS = 1_000;

/**
 * Does one job. Never throws for what a sweep comes to: the next one is scheduled
 * anyway, and a job that failed would only be tried against the same directory again.
 */
export async function workOnSweep(job: Job, work: SweepWork): Promise<void> {
  const { log } = work.tools;
  const parsed = sweepPayload.safeParse(job.payload);
  if (!parsed.success) {
    log.error({ event: 'sweep.bad_job', job: job.id, reason: parsed.error.message });
    return;
  }
  const { connectionId, trigger, again } = parsed.data;
  const sweep = work.sweeps.get(connectionId);
  if (sweep === undefined) {
    log.warn({ event: 'sweep.unknown_connection', connection: connectionId, job: job.id });
    return;
  }
  try {
    const result = await sweepAndFollowUp(sweep, trigger, work);
    if (result.kind === 'busy' && !again) await putInAgain(sweep, trigger, work);
  } catch (error) {
    const level = codeOf(error) === 'sweep.lease_lost' ? 'warn' : 'error';
    log[level]({ event: 'sweep.broken_off', connection: connectionId, err: error });
  }
}

/** Sweeps, and has absences that were seen for the first time confirmed as soon as they can be. */
export async function sweepAndFollowUp(
  sweep: ConnectionSweep,
  trigger: SweepTrigger,
  work: SweepWork,
): Promise<SweepResult> {
  const result = await runSweep(sweep, trigger, work.tools);
  if (result.kind === 'finished') await confirmLater(result, work);
  return result;
}

async function confirmLater(result: SweepSummary, work: SweepWork): Promise<void> {
  if (result.confirmAt === null) return;
  const { connectionId, runId } = result;
  const payload: SweepPayload = { connectionId, trigger: 'confirmation' };
  const delayMs = Math.max(0, result.confirmAt - work.tools.clock()) + MARGIN_MS;
  await work.queue.add(SWEEP_JOB, payload, { delayMs, id: `confirm-${connectionId}-${runId}` });
}

/**
 * Another worker is at this connection, or has died at it. When its lease has run out,
 * whatever it left half done is finished; a worker that lives is met once more, no oftener.
 */
async function putInAgain(
  sweep: ConnectionSweep,
  trigger: SweepTrigger,
  work: SweepWork,
): Promise<void> {
  const { connectionId } = sweep;
  const payload: SweepPayload = { connectionId, trigger, again: true };
  const delayMs = (work.tools.leaseMs ?? LEASE_MS) + MARGIN_MS;
  await work.queue.add(SWEEP_JOB, payload, { delayMs, id: `again-${connectionId}` });
}
