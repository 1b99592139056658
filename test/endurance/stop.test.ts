import { setTimeout as sleep } from 'node:timers/promises';
import { openQueues } from '@rollcall/shared/queue/queues';
import { createLog } from '@rollcall/shared/telemetry/log';
import { sweeper } from '@rollcall/sweeper';
import { SWEEP_JOB, SWEEP_QUEUE } from '@rollcall/sweeper/jobs/payload';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { foundationOver } from '../integration/sweeper/job-house.ts';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { type Directories, type Listed, openDirectories } from '../support/fleet/directories.ts';
import {
  admitPeople,
  type FleetPlace,
  type FleetWorker,
  fleetConfig,
  fleetEnv,
  startWorker,
} from '../support/fleet/fleet.ts';
import { until } from '../support/service.ts';

const PEOPLE = 60;

describeOnBothEngines('a worker process', (engine) => {
  let fresh: FreshDatabase;
  let redis: FreshRedis | null = null;
  let directories: Directories;
  let place: FleetPlace;
  const workers: FleetWorker[] = [];

  beforeAll(async () => {
    directories = await openDirectories();
  });
  afterAll(() => directories.close());
  beforeEach(async () => {
    fresh = await freshDatabase();
    redis = engine === 'redis' ? await redisOrNull() : null;
    directories.log.length = 0;
    directories.before = () => undefined;
    directories.people = () => people(['analysts']);
    place = {
      databaseUrl: fresh.url,
      redisUrl: redis?.url ?? null,
      directoryUrl: directories.url,
      connections: ['acme'],
      directory: { page_size: 20 },
    };
    await admitPeople(fresh.pool, ['acme'], PEOPLE);
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.end('SIGKILL');
    await redis?.release();
    await fresh.drop();
  });

  function people(groups: string[]): Listed[] {
    return Array.from({ length: PEOPLE }, (_, n) => {
      return { id: `acme-${n + 1}`, active: true, groups };
    });
  }

  function start(name: string): FleetWorker {
    const worker = startWorker(place, name);
    workers.push(worker);
    return worker;
  }

  async function count(text: string): Promise<number> {
    return Number((await fresh.pool.query(`select count(*) as n from ${text}`)).rows[0]?.n);
  }

  const leasesHeld = () => count('sweep_leases where expires_at > clock_timestamp()');
  const applied = () => count("sweep_runs where state = 'applied'");

  it('that is told to stop gives its job back at once, and the next one does it', async () => {
    const release = Promise.withResolvers<void>();
    directories.before = async ({ startIndex }) => {
      if (Number(startIndex) > 1) await release.promise;
      return undefined;
    };
    const first = start('first');
    await until('page 2', 20_000, async () =>
      directories.log.some((one) => Number(one.startIndex) > 1),
    );
    const since = performance.now();
    expect(await first.end('SIGTERM')).toBe(0);
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(await leasesHeld()).toBe(0);
    expect(await count("sweep_runs where code = 'sweep.interrupted'")).toBe(1);
    release.resolve();
    // Swept once a week: what the next worker does at once is the job that was given back.
    start('second');
    await until('the sweep', 20_000, async () => (await applied()) === 1);
    expect(directories.log.at(-1)?.worker).toBe('second');
  });

  it('that is told to stop while it applies stops between two lines, and the next one goes on', async () => {
    const first = start('first');
    await until('the baseline', 20_000, async () => (await applied()) === 1);
    directories.people = () => people(['analysts', 'editors']);
    await addJob();
    const lines = () => count("plan_lines where outcome = 'applied'");
    while ((await lines()) < 5) await sleep(5);
    expect(await first.end('SIGTERM')).toBe(0);
    const done = await lines();
    expect(done).toBeLessThan(PEOPLE);
    expect(await leasesHeld()).toBe(0);
    expect(await count("sweep_runs where state = 'applying'")).toBe(1);
    start('second');
    await until('the rest', 20_000, async () => (await lines()) === PEOPLE);
    await until('its end', 20_000, async () => (await leasesHeld()) === 0);
    expect(await count("audit_events where kind = 'roles.changed'")).toBe(PEOPLE);
    expect(await count("outbox where kind = 'roles.changed'")).toBe(PEOPLE);
    expect(await count("plans where state = 'applying'")).toBe(0);
  });

  async function addJob(): Promise<void> {
    const foundation = await foundationOver(fresh.url, redis?.url ?? null);
    const queue = (await openQueues(foundation)).queue(SWEEP_QUEUE);
    await queue.add(SWEEP_JOB, { connectionId: 'acme', trigger: 'schedule' });
    await queue.close();
    await foundation.close();
  }

  it('that is paused, overtaken and woken up writes nothing more', async () => {
    const release = Promise.withResolvers<void>();
    directories.before = async ({ startIndex, worker }) => {
      if (Number(startIndex) > 21 && worker === 'paused') await release.promise;
      return undefined;
    };
    const paused = start('paused');
    await until('page 3', 20_000, async () =>
      directories.log.some((one) => Number(one.startIndex) > 21),
    );
    const written = () => count('snapshot_members');
    await until('its rows', 5_000, async () => (await count('sweep_runs')) === 1);
    paused.process.kill('SIGSTOP');
    // As if it had been asleep for longer than its lease.
    await fresh.pool.query("update sweep_leases set expires_at = now() - interval '1 second'");
    const awake = await sweeper(fleetConfig(place), {
      env: fleetEnv(place, 'awake'),
      log: createLog('silent'),
    });
    expect(await awake.sweepNow('acme')).toMatchObject({ state: 'applied', rows: PEOPLE });
    await awake.stop();
    const before = [await written(), await count('audit_events'), await count('look_ups')];
    paused.process.kill('SIGCONT');
    release.resolve();
    const lost = (line: Readonly<Record<string, unknown>>) => line.event === 'sweep.broken_off';
    await until('its end', 20_000, async () => paused.logged.some(lost));
    expect(paused.logged.find(lost)).toMatchObject({ err: { code: 'sweep.lease_lost' } });
    expect([await written(), await count('audit_events'), await count('look_ups')]).toEqual(before);
    expect(await count("sweep_runs where code = 'sweep.interrupted'")).toBe(1);
    expect(await applied()).toBe(1);
  });
});
