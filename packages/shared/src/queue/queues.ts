import { createPostgresBackend, Queue, runMigrations, Worker, withBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Foundation } from '../engine/foundation.ts';

/** A queue of jobs, wherever it is kept. Payloads are checked by whoever works on them. */
export interface JobQueue {
  /**
   * Puts a job into the queue, to run once `delayMs` have passed.
   * A job whose `id` waits there already is not put in twice.
   */
  add(name: string, payload: object, options?: { delayMs?: number; id?: string }): Promise<void>;
  /** Has a job made every `everyMs`, from now on; replaces the schedule of the same id. */
  schedule(id: string, everyMs: number, name: string, payload: object): Promise<void>;
  /** Ends a schedule; one that is not there is no error. */
  unschedule(id: string): Promise<void>;
  /** The ids of all schedules. */
  schedules(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What works on the jobs of one queue. */
export interface JobWorker {
  /** Takes no more jobs and waits for those that run. */
  close(): Promise<void>;
}

/** One job, as it comes out of a queue. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
}

/** How a worker works. */
export interface WorkerSettings {
  readonly concurrency: number;
  /** Told of failed jobs and of lost connections; never throws. */
  readonly onError: (error: unknown) => void;
}

/** Makes queues and workers on the engine of a foundation. */
export interface Queues {
  queue(name: string): JobQueue;
  worker(name: string, work: (job: Job) => Promise<void>, settings: WorkerSettings): JobWorker;
}

/** The schema of Postgres in which BullMQ keeps its tables. */
const SCHEMA = 'bullmq';
/** BullMQ's own connections per queue or worker, beside one that listens. */
const POOL_SIZE = 3;
/** How many jobs that have ended are kept to be looked at. */
const KEPT = { removeOnComplete: 100, removeOnFail: 500 };

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
    worker: (name, work, { concurrency, onError }) =>
      watched(
        new backend.Worker<object, void>(name, (job) => work(toJob(job)), {
          ...settings,
          concurrency,
        }),
        onError,
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
    worker: (name, work, { concurrency, onError }) =>
      watched(
        new Worker<object, void>(name, (job) => work(toJob(job)), { ...settings, concurrency }),
        onError,
      ),
  };
}

/** What both kinds of BullMQ's queues have in common, of what is used here. */
interface AnyQueue {
  add(name: string, payload: object, options: object): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number },
    template: { name: string; data: object; opts: object },
  ): Promise<unknown>;
  removeJobScheduler(id: string): Promise<boolean>;
  getJobSchedulers(): Promise<readonly { key: string }[]>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

function asJobQueue(queue: AnyQueue): JobQueue {
  // A lost connection must not end the process: BullMQ reconnects, and the call fails.
  queue.on('error', () => undefined);
  return {
    add: async (name, payload, { delayMs, id } = {}) => {
      const options = {
        ...KEPT,
        ...(delayMs === undefined ? {} : { delay: delayMs }),
        ...(id === undefined ? {} : { jobId: id, removeOnComplete: true, removeOnFail: true }),
      };
      await queue.add(name, payload, options);
    },
    schedule: async (id, everyMs, name, payload) => {
      await queue.upsertJobScheduler(id, { every: everyMs }, { name, data: payload, opts: KEPT });
    },
    unschedule: async (id) => {
      await queue.removeJobScheduler(id);
    },
    schedules: async () => (await queue.getJobSchedulers()).map(({ key }) => key),
    close: () => queue.close(),
  };
}

interface AnyWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: unknown, error: Error) => void): unknown;
  close(): Promise<void>;
}

function watched(worker: AnyWorker, onError: (error: unknown) => void): JobWorker {
  worker.on('error', onError);
  worker.on('failed', (_job, error) => onError(error));
  return { close: () => worker.close() };
}

function toJob(job: { id?: string | undefined; name: string; data: unknown }): Job {
  return { id: job.id ?? '', name: job.name, payload: job.data };
}

/** Databases that share one Redis must not share jobs. */
async function installationId(pool: pg.Pool): Promise<string> {
  const answer = await pool.query<{ id: string }>('select id from installation');
  const id = answer.rows[0]?.id;
  if (id === undefined) throw new Error('the table installation is empty');
  return id;
}
