import { createPostgresBackend, Queue, runMigrations, Worker, withBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Foundation } from '../engine/foundation.ts';
import { asJobQueue } from './bullmq-queue.ts';
import { process, watched, workerOptions } from './bullmq-worker.ts';
import type { DeadJob, Job, JobCounts, JobOutcome, KeptSchedule, Schedule } from './job.ts';

/** A queue of jobs, wherever it is kept. Payloads are checked by whoever works on them. */
export interface JobQueue {
  /**
   * Puts a job into the queue, to run once `delayMs` have passed. While a job that was
   * put in with the same `id` waits or runs, it is not put in again.
   */
  add(name: string, payload: object, options?: { delayMs?: number; id?: string }): Promise<void>;
  /**
   * Has a job made at each time of a schedule, from the next one on. A schedule of the
   * same id is kept where its times are the same, else replaced.
   */
  schedule(schedule: Schedule, name: string, payload: object): Promise<void>;
  /** Ends a schedule; one that is not there is no error. */
  unschedule(id: string): Promise<void>;
  /** All schedules. */
  schedules(): Promise<readonly KeptSchedule[]>;
  /** The dead letters, newest first. */
  dead(limit: number): Promise<readonly DeadJob[]>;
  /** Has a dead letter tried again, with all its attempts; false where there is none of that id. */
  retryDead(id: string): Promise<boolean>;
  /** Removes a dead letter; false where there is none of that id. */
  dropDead(id: string): Promise<boolean>;
  counts(): Promise<JobCounts>;
  close(): Promise<void>;
}

/** What works on the jobs of one queue. */
export interface JobWorker {
  /** Takes no more jobs and waits for those that run. */
  close(): Promise<void>;
}

/** How a worker works. */
export interface WorkerSettings {
  readonly concurrency: number;
  /** How long a worker may be silent before its jobs are another's, in milliseconds; 30 s by default. */
  readonly stalledAfterMs?: number;
  /** Told of failed jobs and of lost connections; never throws. */
  readonly onError: (error: unknown) => void;
}

/** Makes queues and workers on the engine of a foundation. */
export interface Queues {
  queue(name: string): JobQueue;
  worker(
    name: string,
    work: (job: Job) => Promise<JobOutcome>,
    settings: WorkerSettings,
  ): JobWorker;
}

/** The schema of Postgres in which BullMQ keeps its tables. */
const SCHEMA = 'bullmq';
/** BullMQ's own connections per queue or worker, beside one that listens. */
const POOL_SIZE = 3;
/**
 * Chooses where jobs are kept: in Redis where the engine has it, else in the same
 * Postgres as everything else, whose queue tables it brings up to date. The one
 * place that chooses.
 */
export async function openQueues(foundation: Foundation): Promise<Queues> {
  const { engine, pool } = foundation;
  if (engine.kind === 'redis') return onRedis(engine.redis, await installationId(pool));
  await migrateQueues(pool);
  return onPostgres(foundation);
}

/** BullMQ's own migrations; several instances may run them at once. */
export async function migrateQueues(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await runMigrations(client, SCHEMA);
  } finally {
    client.release();
  }
}

function onPostgres({ databaseUrl, pool }: Foundation): Queues {
  const backend = withBackend(createPostgresBackend);
  // A host's pool cannot be handed over as it is: BullMQ needs a search path of
  // its own on each connection.
  const place =
    databaseUrl === null
      ? // `pg` hides the password from spreading.
        { ...pool.options, password: pool.options.password }
      : { connectionString: databaseUrl };
  const connection = { ...place, max: POOL_SIZE, schema: SCHEMA, keepAlive: true };
  const settings = { connection: connection as { connectionString: string } };
  return {
    queue: (name) => asJobQueue(new backend.Queue<object, void>(name, settings)),
    worker: (name, work, how) =>
      watched(
        new backend.Worker<object, void>(name, (job) => process(job, work), {
          ...settings,
          ...workerOptions(how),
        }),
        how.onError,
      ),
  };
}

/**
 * BullMQ opens, and closes, connections of its own: a worker blocks on its. It waits
 * for Redis by itself, so nothing may give up before it does.
 */
function onRedis(redis: Redis, installation: string): Queues {
  const { commandTimeout: _, ...options } = redis.options;
  const connection = { ...options, lazyConnect: false, maxRetriesPerRequest: null };
  const settings = { connection: connection as object, prefix: `rollcall:${installation}` };
  return {
    queue: (name) => asJobQueue(new Queue<object, void>(name, settings)),
    worker: (name, work, how) =>
      watched(
        new Worker<object, void>(name, (job) => process(job, work), {
          ...settings,
          ...workerOptions(how),
        }),
        how.onError,
      ),
  };
}

/** Databases that share one Redis must not share jobs. */
async function installationId(pool: pg.Pool): Promise<string> {
  const answer = await pool.query<{ id: string }>('select id from installation');
  const id = answer.rows[0]?.id;
  if (id === undefined) throw new Error('the table installation is empty');
  return id;
}
