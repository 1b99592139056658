import type { Job as BullJob, JobsOptions } from 'bullmq';
import type { DeadJob, JobCounts, KeptSchedule } from './job.ts';
import type { JobQueue } from './queues.ts';

/** So often a job is tried that fails by a fault of ours. */
const ATTEMPTS = 3;

/**
 * How many jobs that have ended are kept: the done to be looked at, the dead until
 * somebody has dealt with them. Beyond that the oldest go.
 */
const KEPT: JobsOptions = {
  removeOnComplete: { count: 100 },
  removeOnFail: { count: 500 },
  attempts: ATTEMPTS,
  // The worker's own strategy, in bullmq-worker.ts.
  backoff: { type: 'rollcall' },
};

/** What both kinds of BullMQ's queues have in common, of what is used here. */
export interface AnyQueue {
  add(name: string, payload: object, options: object): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number; offset: number },
    template: { name: string; data: object; opts: object },
  ): Promise<unknown>;
  removeJobScheduler(id: string): Promise<boolean>;
  getJobSchedulers(): Promise<
    readonly { key: string; every?: number; offset?: number; next?: number }[]
  >;
  getFailed(start: number, end: number): Promise<readonly AnyJob[]>;
  getJob(id: string): Promise<AnyJob | undefined>;
  getJobCounts(): Promise<Readonly<Record<string, number>>>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

type AnyJob = Pick<
  BullJob<object, void>,
  'id' | 'name' | 'data' | 'failedReason' | 'attemptsMade' | 'finishedOn'
> & {
  isFailed(): Promise<boolean>;
  retry(state: 'failed', options: { resetAttemptsMade: boolean }): Promise<void>;
  remove(): Promise<void>;
};

/** One of BullMQ's queues as ours. */
export function asJobQueue(queue: AnyQueue): JobQueue {
  // A lost connection must not end the process: BullMQ reconnects, and the call fails.
  queue.on('error', () => undefined);
  const findDead = async (id: string): Promise<AnyJob | null> => {
    const job = await queue.getJob(id);
    return job !== undefined && (await job.isFailed()) ? job : null;
  };
  return {
    add: async (name, payload, { delayMs, id } = {}) => {
      // Not the job's own id: a dead letter would keep that, and with it every later job out.
      const once = id === undefined ? {} : { deduplication: { id } };
      await queue.add(name, payload, {
        ...KEPT,
        ...(delayMs === undefined ? {} : { delay: Math.ceil(delayMs) }),
        ...once,
      });
    },
    schedule: async ({ id, everyMs, offsetMs }, name, payload) => {
      const repeat = { every: everyMs, offset: offsetMs };
      await queue.upsertJobScheduler(id, repeat, { name, data: payload, opts: KEPT });
    },
    unschedule: async (id) => {
      await queue.removeJobScheduler(id);
    },
    schedules: async () => (await queue.getJobSchedulers()).map(toSchedule),
    dead: async (limit) => (await queue.getFailed(0, limit - 1)).map(toDeadJob),
    retryDead: async (id) => {
      const job = await findDead(id);
      await job?.retry('failed', { resetAttemptsMade: true });
      return job !== null;
    },
    dropDead: async (id) => {
      const job = await findDead(id);
      await job?.remove();
      return job !== null;
    },
    counts: async () => toCounts(await queue.getJobCounts()),
    close: () => queue.close(),
  };
}

function toSchedule(kept: {
  key: string;
  every?: number;
  offset?: number;
  next?: number;
}): KeptSchedule {
  const { key, every = 0, offset = 0, next } = kept;
  return { id: key, everyMs: every, offsetMs: offset, nextAt: next ?? null };
}

function toDeadJob(job: AnyJob): DeadJob {
  return {
    id: job.id ?? '',
    name: job.name,
    payload: job.data,
    reason: job.failedReason ?? '',
    attempts: job.attemptsMade,
    failedAt: job.finishedOn ?? 0,
  };
}

function toCounts(counts: Readonly<Record<string, number>>): JobCounts {
  const { waiting = 0, paused = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + paused + prioritized, active, delayed, dead: failed };
}
