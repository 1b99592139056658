import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '@rollcall/shared/db/embedded/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { describeOnBothEngines, type Engine, redisOrNull } from '../setup/redis.ts';
import { type RedisServer, startRedisServer } from '../setup/redis-server.ts';
import { type Directories, openDirectories } from '../support/fleet/directories.ts';
import {
  admitPeople,
  type FleetPlace,
  type FleetWorker,
  startWorker,
} from '../support/fleet/fleet.ts';
import { openGate } from '../support/gate.ts';
import { until } from '../support/service.ts';

const PEOPLE = 9;

let fresh: FreshDatabase;
let directories: Directories;
const ends: (() => Promise<unknown>)[] = [];
/** Where the second page of the next listing is held. */
let held: PromiseWithResolvers<void>;

beforeEach(async () => {
  fresh = await freshDatabase();
  directories = await openDirectories();
  directories.people = (connection) =>
    Array.from({ length: PEOPLE }, (_, n) => {
      return { id: `${connection}-${n + 1}`, active: true, groups: ['analysts'] };
    });
  await admitPeople(fresh.pool, ['acme'], PEOPLE);
  held = Promise.withResolvers<void>();
  directories.before = async ({ startIndex }) => {
    if (Number(startIndex) > 1) await held.promise;
    return undefined;
  };
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await directories.close();
  await fresh.drop();
});

async function placeOn(engine: Engine, more: Partial<FleetPlace> = {}): Promise<FleetPlace> {
  const redis = engine === 'redis' && more.redisUrl === undefined ? await redisOrNull() : null;
  if (redis !== null) ends.push(redis.release);
  return {
    databaseUrl: fresh.url,
    redisUrl: redis?.url ?? null,
    directoryUrl: directories.url,
    connections: ['acme'],
    ...more,
  };
}

function start(place: FleetPlace, name: string): FleetWorker {
  const worker = startWorker(place, name);
  ends.push(() => worker.end('SIGKILL'));
  return worker;
}

async function applied(): Promise<number> {
  const text = "select count(*)::int as n from sweep_runs where state = 'applied'";
  return (await fresh.pool.query<{ n: number }>(text)).rows[0]?.n ?? 0;
}

const inTheListing = () =>
  until('page 2', 30_000, async () => directories.log.some((one) => Number(one.startIndex) > 1));

describeOnBothEngines('a worker', (engine) => {
  it('that is killed has its job done by another within about a minute', async () => {
    const place = await placeOn(engine);
    const killed = start(place, 'killed');
    await inTheListing();
    await killed.end('SIGKILL');
    held.resolve();
    const since = performance.now();
    // Once a week: nothing but the dead worker's own job brings the sweep.
    start(place, 'next');
    await until('the sweep', 200_000, async () => (await applied()) === 1);
    process.stdout.write(`${engine}: ${Math.round((performance.now() - since) / 1000)} s\n`);
    expect(directories.log.at(-1)?.worker).toBe('next');
  });

  it('goes on when Postgres restarts in the middle of a sweep', async () => {
    const gate = await openGate(fresh.url);
    ends.push(gate.close);
    const place = await placeOn(engine, { databaseUrl: gate.url, sweep: { every: '10s' } });
    const worker = start(place, 'one');
    await inTheListing();
    gate.shut();
    held.resolve();
    await sleep(4_000);
    gate.reopen();
    const since = performance.now();
    await until('three sweeps', 240_000, async () => (await applied()) >= 3);
    process.stdout.write(`${engine}: ${Math.round((performance.now() - since) / 1000)} s\n`);
    expect(worker.process.exitCode).toBeNull();
    await expectNothingOpen();
  });
});

describe('a worker on Redis', () => {
  it('goes on when Redis restarts in the middle of a sweep, and has forgotten everything', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-redis-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const port = await findFreePort();
    let server: RedisServer = await startRedisServer(folder, port);
    ends.push(() => server.kill('SIGKILL'));
    const place = await placeOn('redis', { redisUrl: server.url, sweep: { every: '10s' } });
    const worker = start(place, 'one');
    await inTheListing();
    await server.kill('SIGKILL');
    held.resolve();
    await sleep(2_000);
    const before = await applied();
    server = await startRedisServer(folder, port);
    const since = performance.now();
    await until('three more', 240_000, async () => (await applied()) >= before + 3);
    process.stdout.write(`redis: ${Math.round((performance.now() - since) / 1000)} s\n`);
    expect(worker.process.exitCode).toBeNull();
    await expectNothingOpen();
  });
});

async function expectNothingOpen(): Promise<void> {
  const text = `select count(*)::int as n from sweep_runs r
    where state in ('listing', 'deciding', 'applying') and not exists (
      select from sweep_leases l where l.connection_id = r.connection_id
         and l.fence = r.fence and l.expires_at > clock_timestamp())`;
  await until('nothing left open', 60_000, async () => {
    return (await fresh.pool.query<{ n: number }>(text)).rows[0]?.n === 0;
  });
}
