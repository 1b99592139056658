import { AppError, codeOf } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { SweepTrigger } from '@rollcall/shared/db/tables';
import type { Job, JobOutcome } from '@rollcall/shared/queue/job';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { LEASE_MS } from '../sweep/lease.ts';
import { runSweep, runSweepInTurn, type SweepTools } from '../sweep/run-sweep.ts';
import type { SweepResult, SweepSummary, SweepWaits } from '../sweep/summary.ts';
import { buryJob } from './dead-letters.ts';
import { SWEEP_JOB, type SweepPayload, sweepPayload } from './payload.ts';
import { pauseBeforeRetry } from './retry.ts';
import { tendSoon } from './tend.ts';

/** What the jobs of the sweep stand on. */
export interface SweepWork {
  readonly sweeps: ReadonlyMap<string, ConnectionSweep>;
  readonly queue: JobQueue;
  readonly tools: SweepTools & { readonly clock: () => EpochMs };
}

/** Room for two clocks that do not quite agree, in milliseconds. */
const MARGIN_MS = 1_000;
const DONE: JobOutcome = { kind: 'done' };

/**
 * Does one job. A sweep that came to nothing because of its directory is tried again
 * within its interval; where that does not help either, the next one is scheduled
 * anyway. What fails by a fault of ours is thrown, and ends as a dead letter.
 */
export async function workOnSweep(job: Job, work: SweepWork): Promise<JobOutcome> {
  const { log } = work.tools;
  const parsed = sweepPayload.safeParse(job.payload);
  if (!parsed.success) {
    log.error({ event: 'sweep.bad_job', job: job.id, reason: parsed.error.message });
    return { kind: 'dead', why: `expected a job of the sweep: ${parsed.error.message}` };
  }
  const sweep = work.sweeps.get(parsed.data.connectionId);
  if (sweep === undefined) {
    const { connectionId } = parsed.data;
    log.warn({ event: 'sweep.unknown_connection', connection: connectionId, job: job.id });
    return DONE;
  }
  try {
    return await sweepForJob(job, parsed.data, sweep, work);
  } catch (error) {
    return outcomeOfError(error, job, parsed.data, work);
  }
}

type Payload = ReturnType<typeof sweepPayload.parse>;

async function sweepForJob(
  job: Job,
  { trigger, again }: Payload,
  sweep: ConnectionSweep,
  work: SweepWork,
): Promise<JobOutcome> {
  if (isStopping(work)) return { kind: 'hand_back' };
  const result = await runSweepInTurn(sweep, trigger, work.tools);
  switch (result.kind) {
    case 'waits':
      return outcomeOfWaiting(result, trigger, sweep);
    case 'busy':
      if (!again) await putInAgain(sweep, trigger, work);
      return DONE;
    case 'finished':
      return outcomeOfSweep(result, job, sweep, work);
    default:
      return result satisfies never;
  }
}

/** A scheduled sweep that could only begin after the next one is due is left to that one. */
function outcomeOfWaiting(
  { delayMs }: SweepWaits,
  trigger: SweepTrigger,
  { everyMs }: ConnectionSweep,
): JobOutcome {
  return trigger === 'schedule' && delayMs >= everyMs ? DONE : { kind: 'later', delayMs };
}

async function outcomeOfSweep(
  result: SweepSummary,
  job: Job,
  sweep: ConnectionSweep,
  work: SweepWork,
): Promise<JobOutcome> {
  const unfinished = result.code === 'sweep.interrupted' || result.state === 'applying';
  if (unfinished && isStopping(work)) return { kind: 'hand_back' };
  await confirmLater(result, work);
  const { state, code, explanation } = result;
  if (state === 'failed') throw new AppError(code, explanation ?? 'The sweep failed.');
  const pauseMs = pauseBeforeRetry(result, job.attempt, sweep.everyMs, Math.random());
  if (pauseMs === null || job.attempt >= job.attempts) return DONE;
  return { kind: 'again', delayMs: pauseMs, why: code };
}

async function outcomeOfError(
  error: unknown,
  job: Job,
  payload: Payload,
  work: SweepWork,
): Promise<JobOutcome> {
  const { log, signal } = work.tools;
  const { connectionId } = payload;
  if (codeOf(error) === 'sweep.lease_lost') {
    // Whoever has taken it over does the rest.
    log.warn({ event: 'sweep.broken_off', connection: connectionId, err: error });
    return DONE;
  }
  log.error({ event: 'sweep.broken_off', connection: connectionId, err: error });
  if (signal?.aborted === true) return { kind: 'hand_back' };
  if (job.attempt >= job.attempts) await buryJob(job, payload, work);
  throw error;
}

function isStopping({ tools }: SweepWork): boolean {
  return tools.signal?.aborted === true;
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
  await tendSoon(result, work);
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
