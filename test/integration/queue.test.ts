import { setTimeout as sleep } from 'node:timers/promises';
import { validateConfig } from '@rollcall/shared/config/load';
import { openFoundation } from '@rollcall/shared/engine/foundation';
import { type Job, openQueues, type Queues } from '@rollcall/shared/queue/queues';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { until } from '../support/service.ts';

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
    const workers = [1, 2, 3].map(() =>
      queues.worker('each-once', async (job) => void done.push(job), settings),
    );
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
    const worker = queues.worker('scheduled', async (job) => void done.push(job), settings);
    await queue.schedule('acme', 300, 'sweep', { connection: 'acme' });
    await queue.schedule('acme', 300, 'sweep', { connection: 'acme' });
    expect(await queue.schedules()).toEqual(['acme']);
    await until('three jobs', 10_000, async () => done.length >= 3);
    expect(done[0]).toMatchObject({ name: 'sweep', payload: { connection: 'acme' } });
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
    const worker = queues.worker('delayed', async () => void at.push(performance.now()), settings);
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
});
