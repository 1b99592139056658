import { setTimeout as sleep } from 'node:timers/promises';
import { validateConfig } from '@rollcall/shared/config/load';
import { openFoundation } from '@rollcall/shared/engine/foundation';
import type { Job, JobOutcome } from '@rollcall/shared/queue/job';
import { openQueues, type Queues } from '@rollcall/shared/queue/queues';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { until } from '../support/service.ts';

const DONE: JobOutcome = { kind: 'done' };

/** Work that notes each job, and is done with it. */
function noting(done: Job[]): (job: Job) => Promise<JobOutcome> {
  return async (job) => {
    done.push(job);
    return DONE;
  };
}

function configuration() {
  return validateConfig(
    {
      version: 1,
      public_url: 'http://localhost:3000',
      session: { keys: ['env:SESSION_KEY'] },
      connections: [
        {
          id: 'acme',
          idp: { metadata_url: 'https://idp.example/metadata' },
          subject: { name_id: 'persistent' },
        },
      ],
    },
    { env: process.env },
  );
}

describeOnBothEngines('the queue', (engine) => {
  let fresh: FreshDatabase;
  let redis: FreshRedis | null = null;
  let close: () => Promise<void>;
  let queues: Queues;
  const failures: unknown[] = [];
  const settings = { concurrency: 4, onError: (error: unknown) => void failures.push(error) };

  beforeAll(async () => {
    fresh = await freshDatabase();
    if (engine === 'redis') redis = await redisOrNull();
    const config = {
      ...configuration(),
      database: { url: { kind: 'plain' as const, value: fresh.url } },
      redis: { url: redis === null ? null : { kind: 'plain' as const, value: redis.url } },
    };
    const foundation = await openFoundation(config);
    close = foundation.close;
    expect(foundation.engine.kind).toBe(engine);
    queues = await openQueues(foundation);
  });
  afterAll(async () => {
    await close();
    await redis?.release();
    await fresh.drop();
  });

  it('gives each job to one worker of several', async () => {
    const done: Job[] = [];
    const queue = queues.queue('each-once');
    const workers = [1, 2, 3].map(() => queues.worker('each-once', noting(done), settings));
    for (let n = 0; n < 30; n++) await queue.add('work', { n });
    await until('all jobs', 10_000, async () => done.length >= 30);
    await sleep(200);
    expect(done.map((job) => (job.payload as { n: number }).n).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    );
    for (const worker of workers) await worker.close();
    await queue.close();
  });

  it('makes jobs on a schedule, and stops when the schedule is ended', async () => {
    const done: Job[] = [];
    const queue = queues.queue('scheduled');
    const worker = queues.worker('scheduled', noting(done), settings);
    const schedule = { id: 'acme', everyMs: 300, offsetMs: 100 };
    await queue.schedule(schedule, 'sweep', { connection: 'acme' });
    await queue.schedule(schedule, 'sweep', { connection: 'acme' });
    expect(await queue.schedules()).toEqual([{ ...schedule, nextAt: expect.any(Number) }]);
    await until('three jobs', 10_000, async () => done.length >= 3);
    expect(done[0]).toMatchObject({ name: 'sweep', payload: { connection: 'acme' } });
    expect(((await queue.schedules())[0]?.nextAt ?? 0) % 300).toBe(100);
    await queue.unschedule('acme');
    expect(await queue.schedules()).toEqual([]);
    await sleep(500);
    const count = done.length;
    await sleep(900);
    expect(done.length).toBe(count);
    await worker.close();
    await queue.close();
  });

  it('waits as long as it is told, and keeps one job of an id', async () => {
    const at: number[] = [];
    const queue = queues.queue('delayed');
    const work = async (): Promise<JobOutcome> => {
      at.push(performance.now());
      return DONE;
    };
    const worker = queues.worker('delayed', work, settings);
    const start = performance.now();
    for (let n = 0; n < 3; n++) await queue.add('later', {}, { delayMs: 800, id: 'one' });
    await until('the job', 10_000, async () => at.length > 0);
    await sleep(300);
    expect(at).toHaveLength(1);
    expect(at[0]! - start).toBeGreaterThan(700);
    await queue.add('later', {}, { id: 'one' });
    await until('the same id again, once it is free', 10_000, async () => at.length === 2);
    await worker.close();
    await queue.close();
  });

  it('tells of a job that fails and goes on with the next', async () => {
    const done: string[] = [];
    const queue = queues.queue('failing');
    const work = async (job: Job) => {
      if (job.name === 'bad') throw new Error('this one is bad');
      done.push(job.name);
      return DONE;
    };
    const worker = queues.worker('failing', work, settings);
    await queue.add('bad', {});
    await queue.add('good', {});
    await until('the good one', 10_000, async () => done.includes('good'));
    await until('the failure', 10_000, async () => failures.length > 0);
    expect(String(failures[0])).toContain('this one is bad');
    await worker.close();
    await queue.close();
  });

  it('tries a job again when it says so, and counts what it says', async () => {
    const seen: Job[] = [];
    const queue = queues.queue('again');
    const work = async (job: Job): Promise<JobOutcome> => {
      seen.push(job);
      if (seen.length === 1) return { kind: 'later', delayMs: 20 };
      if (seen.length === 2) return { kind: 'again', delayMs: 20, why: 'not yet' };
      return DONE;
    };
    const worker = queues.worker('again', work, settings);
    const before = failures.length;
    await queue.add('work', {}, { id: 'one' });
    await until('three times', 10_000, async () => seen.length === 3);
    expect(seen.map(({ attempt, attempts }) => [attempt, attempts])).toEqual([
      [1, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(failures.length).toBe(before);
    await until('its end', 10_000, async () => (await queue.counts()).active === 0);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, dead: 0 });
    await worker.close();
    await queue.close();
  });

  it('keeps what failed for good until somebody has it tried again or drops it', async () => {
    let broken = true;
    const queue = queues.queue('dead');
    const work = async (): Promise<JobOutcome> =>
      broken ? { kind: 'dead', why: 'no attempt would help' } : DONE;
    const worker = queues.worker('dead', work, settings);
    await queue.add('work', { n: 1 }, { id: 'same' });
    await until('a dead letter', 10_000, async () => (await queue.counts()).dead === 1);
    // It keeps no later job of the same id out.
    await queue.add('work', { n: 2 }, { id: 'same' });
    await until('another one', 10_000, async () => (await queue.counts()).dead === 2);
    const dead = await queue.dead(10);
    expect(dead.map(({ payload, reason }) => ({ payload, reason }))).toEqual([
      { payload: { n: 2 }, reason: 'no attempt would help' },
      { payload: { n: 1 }, reason: 'no attempt would help' },
    ]);
    broken = false;
    expect(await queue.retryDead(dead[0]!.id)).toBe(true);
    await until('its end', 10_000, async () => (await queue.counts()).dead === 1);
    expect(await queue.retryDead(dead[0]!.id)).toBe(false);
    expect(await queue.dropDead(dead[1]!.id)).toBe(true);
    expect(await queue.dropDead(dead[1]!.id)).toBe(false);
    expect(await queue.dead(10)).toEqual([]);
    await worker.close();
    await queue.close();
  });

  it('gives the job of a worker that stops, or is gone, to the next one', async () => {
    const queue = queues.queue('handed');
    const seen: string[] = [];
    const stopping = Promise.withResolvers<void>();
    const first = queues.worker(
      'handed',
      async () => {
        seen.push('first');
        await stopping.promise;
        return { kind: 'hand_back' };
      },
      settings,
    );
    await queue.add('work', {});
    await until('the first', 10_000, async () => seen.length > 0);
    const closed = first.close();
    stopping.resolve();
    await closed;
    expect((await queue.counts()).waiting).toBe(1);
    const second = queues.worker(
      'handed',
      async () => {
        seen.push('second');
        return DONE;
      },
      settings,
    );
    await until('the second', 10_000, async () => seen.at(-1) === 'second');
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, dead: 0 });
    await second.close();
    await queue.close();
  });
});
