import { type Job as BullJob, DelayedError, UnrecoverableError, WaitingError } from 'bullmq';
import type { Job, JobOutcome } from './job.ts';
import type { JobWorker, WorkerSettings } from './queues.ts';

/**
 * A worker that dies is noticed by its lock, which it renews: after so long without,
 * the job is given to another one. BullMQ's defaults, in milliseconds, named because
 * docs/sweep.md promises them.
 */
const STALLED = { lockDuration: 30_000, stalledInterval: 30_000 };
/** A job that has taken so many workers with it is given to no further one. */
const MOST_ABANDONED = 3;
/** The first pause before a job that failed by a fault of ours is tried again, in milliseconds. */
const FIRST_PAUSE_MS = 15_000;

/** An attempt that came to nothing, as the work itself says: no fault of ours. */
class CameToNothing extends Error {
  readonly delayMs: number;

  constructor(why: string, delayMs: number) {
    super(why);
    this.name = 'CameToNothing';
    this.delayMs = delayMs;
  }
}

/** The options of BullMQ's workers that are the same wherever the jobs are kept. */
export function workerOptions({ concurrency, stalledAfterMs }: WorkerSettings) {
  const stalled =
    stalledAfterMs === undefined
      ? STALLED
      : { lockDuration: stalledAfterMs, stalledInterval: stalledAfterMs };
  return {
    concurrency,
    ...stalled,
    maxStalledCount: MOST_ABANDONED,
    settings: { backoffStrategy: pauseBefore },
  };
}

/** How long to wait after the attempt of that number failed, in milliseconds. */
function pauseBefore(attempt: number, _type?: string, error?: Error): number {
  if (error instanceof CameToNothing) return Math.ceil(error.delayMs);
  // Half to all of a wait that doubles: what failed together does not come back together.
  // Whole: Postgres keeps it as a bigint, and a job that cannot be put away stays where it is.
  return Math.ceil(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
}

/** Does one job, and tells BullMQ what becomes of it in the way that BullMQ wants to be told. */
export async function process(
  job: BullJob<object, void>,
  work: (job: Job) => Promise<JobOutcome>,
): Promise<void> {
  const ours = toJob(job);
  if (ours.abandoned > MOST_ABANDONED) {
    throw new UnrecoverableError(`${ours.abandoned} workers went away while they did this job`);
  }
  const outcome = await work(ours);
  switch (outcome.kind) {
    case 'done':
      return;
    case 'again':
      throw new CameToNothing(outcome.why, outcome.delayMs);
    case 'later':
      await job.moveToDelayed(Date.now() + Math.ceil(outcome.delayMs), job.token);
      throw new DelayedError();
    case 'hand_back':
      await job.moveToWait(job.token);
      throw new WaitingError();
    case 'dead':
      throw new UnrecoverableError(outcome.why);
    default:
      return outcome satisfies never;
  }
}

/** What both kinds of BullMQ's workers have in common, of what is used here. */
export interface AnyWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: unknown, error: Error) => void): unknown;
  close(): Promise<void>;
}

/** One of BullMQ's workers as ours. */
export function watched(worker: AnyWorker, onError: (error: unknown) => void): JobWorker {
  worker.on('error', onError);
  worker.on('failed', (_job, error) => {
    if (!(error instanceof CameToNothing)) onError(error);
  });
  return { close: () => worker.close() };
}

function toJob(job: BullJob<object, void>): Job {
  return {
    id: job.id ?? '',
    name: job.name,
    payload: job.data,
    attempt: job.attemptsMade + 1,
    attempts: job.opts.attempts ?? 1,
    abandoned: job.stalledCounter,
  };
}
