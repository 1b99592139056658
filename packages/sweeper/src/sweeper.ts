import { setTimeout as wait } from 'node:timers/promises';
import { readConfig } from '@rollcall/shared/config/load';
import type { Config, ConfigInput, Environment } from '@rollcall/shared/config/types';
import { migrate } from '@rollcall/shared/db/migrate';
import type { SweepTrigger } from '@rollcall/shared/db/tables';
import { currentTime } from '@rollcall/shared/db/timestamp';
import {
  type Foundation,
  type FoundationOptions,
  openFoundation,
} from '@rollcall/shared/engine/foundation';
import { startTelling, type Telling } from '@rollcall/shared/notify/telling';
import { type JobQueue, type JobWorker, openQueues } from '@rollcall/shared/queue/queues';
import { createLog, type Log } from '@rollcall/shared/telemetry/log';
import { endLeftRuns } from './jobs/left-runs.ts';
import { SWEEP_QUEUE, TEND_JOB } from './jobs/payload.ts';
import { catchUp, scheduleSweeps } from './jobs/schedule.ts';
import { workOnTending } from './jobs/tend.ts';
import { lookAfterSchedules } from './jobs/upkeep.ts';
import { type SweepWork, sweepAndFollowUp, workOnSweep } from './jobs/work.ts';
import { keepRetention } from './retention/keep.ts';
import { connectionSweep, connectionSweeps } from './sweep/connection-sweep.ts';
import type { SweepResult } from './sweep/summary.ts';
import { keepWatch } from './watch/watch.ts';

/** What a host may bring along: its own pool, its own Redis client, its own log. */
export interface SweeperOptions extends FoundationOptions {
  readonly log?: Log;
  /** A foundation that is open already, as the service has one; it stays the caller's. */
  readonly foundation?: Foundation;
  /** How many connections this process sweeps at once; 4 where left out. */
  readonly concurrency?: number;
}

/** The sweeper of one process. Any number of them may work on one database. */
export interface Sweeper {
  /** Begins to work: schedules every connection, and takes jobs until {@link stop}. */
  start(): Promise<void>;
  /**
   * Takes no more jobs, breaks off what is under way (the next worker goes on with it)
   * and closes what this opened. May be called twice, and without {@link start}.
   */
  stop(): Promise<void>;
  /**
   * Sweeps one connection in this process, at once; `busy` where another worker is at
   * it. Throws `sweep.no_such_connection`, `sweep.not_configured`, `sweep.lease_lost`.
   */
  sweepNow(connectionId: string, trigger?: SweepTrigger): Promise<SweepResult>;
}

const AT_ONCE = 4;
/** A worker that cannot give its jobs back by then is as good as dead, in milliseconds. */
const LONGEST_STOP_MS = 10_000;

/**
 * Opens the sweep of every connection that has one:
 *
 * ```ts
 * const s = await sweeper('rollcall.yaml');
 * await s.start();
 * ```
 *
 * @param configOrPath the path of a `rollcall.yaml`, or the same as an object.
 * Throws `ConfigError`, `database.…` and `redis.…`; whatever was open by then is closed.
 */
export async function sweeper(
  configOrPath: ConfigInput | string,
  options: SweeperOptions = {},
): Promise<Sweeper> {
  const env = options.env ?? process.env;
  const config = await readConfig(configOrPath, env);
  const log = options.log ?? createLog('info');
  const foundation = options.foundation ?? (await openFoundation(config, options));
  const close = async (): Promise<void> => {
    if (options.foundation === undefined) await foundation.close();
  };
  try {
    await migrate(foundation.pool);
    const queues = await openQueues(foundation);
    const queue = queues.queue(SWEEP_QUEUE);
    return over({ config, env, log, foundation, queue, queues, close }, options);
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly env: Environment;
  readonly log: Log;
  readonly foundation: Foundation;
  readonly queue: JobQueue;
  readonly queues: Awaited<ReturnType<typeof openQueues>>;
  close(): Promise<void>;
}

function over(parts: Parts, options: SweeperOptions): Sweeper {
  const { config, env, log, foundation, queue, queues } = parts;
  const sweeps = connectionSweeps(config, env, foundation.db);
  const stopping = new AbortController();
  const work: SweepWork = {
    sweeps: new Map(sweeps.map((sweep) => [sweep.connectionId, sweep])),
    queue,
    tools: { db: foundation.db, log, clock: currentTime, signal: stopping.signal },
  };
  const here = new Set<Promise<unknown>>();
  let worker: JobWorker | null = null;
  let telling: Telling | null = null;
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    stopping.abort();
    const ended = Promise.allSettled([worker?.close(), telling?.stop(), ...here]);
    const late = wait(LONGEST_STOP_MS, 'late', { ref: false });
    if ((await Promise.race([ended, late])) === 'late') log.warn({ event: 'sweeper.stop_late' });
    await queue.close();
    await parts.close();
  };
  return {
    start: async () => {
      if (worker !== null) return;
      // Before the first job is taken: what is overdue after an outage is spread first.
      await scheduleSweeps(queue, sweeps, currentTime());
      await endLeftRuns(foundation.db, new Set(work.sweeps.keys()), currentTime());
      worker = queues.worker(
        SWEEP_QUEUE,
        (job) => (job.name === TEND_JOB ? workOnTending(job, work) : workOnSweep(job, work)),
        {
          concurrency: options.concurrency ?? AT_ONCE,
          onError: (error) => log.error({ event: 'sweep.queue_failed', err: error }),
        },
      );
      await catchUp(queue, foundation.db, sweeps, currentTime());
      here.add(lookAfterSchedules(work, sweeps, stopping.signal));
      here.add(keepWatch({ config, db: foundation.db, log, clock: currentTime }, stopping.signal));
      here.add(keepRetention(config.retention, work.tools, stopping.signal));
      telling = await startTelling({ config, env, db: foundation.db, log, clock: currentTime });
      const connections = sweeps.map((sweep) => sweep.connectionId);
      log.info({ event: 'sweeper.started', engine: foundation.engine.kind, connections });
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    sweepNow: async (connectionId, trigger = 'operator') => {
      const sweep =
        work.sweeps.get(connectionId) ?? connectionSweep(config, connectionId, env, foundation.db);
      const sweeping = sweepAndFollowUp(sweep, trigger, work);
      here.add(sweeping);
      return sweeping.finally(() => here.delete(sweeping));
    },
  };
}
