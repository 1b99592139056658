import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerConnection } from '@rollcall/shared/db/connections';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import { findFreePort } from '@rollcall/shared/db/embedded/port';
import { migrate } from '@rollcall/shared/db/migrate';
import { afterEach, expect, it, vi } from 'vitest';
import { describeOnBothEngines, type Engine, redisOrNull } from '../../setup/redis.ts';
import { startRedisServer } from '../../setup/redis-server.ts';
import {
  ACME,
  admit,
  OPERATOR,
  openScene,
  run,
  type Scene,
  START,
  SWEEP,
  step,
} from '../access/people.ts';
import { type App, cookieOf, send, startApp } from './app.ts';
import { startTraffic, type Traffic } from './traffic.ts';

/** Seconds from the beginning of the scene until now. */
const now = (): number => Math.floor((Date.now() - START) / 1000);
const SECOND = 1_000;

vi.setConfig({ testTimeout: 90_000 });

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startApps(databaseUrl: string, redisUrl: string | null): Promise<[App, App]> {
  const apps: App[] = [];
  for (let i = 0; i < 2; i++) {
    const app = await startApp({ databaseUrl, redisUrl });
    closers.push(() => app.close());
    apps.push(app);
  }
  return apps as [App, App];
}

interface Person {
  readonly id: string;
  readonly cookie: string;
}

/** Somebody new with a cookie. */
async function person(scene: Scene, app: App): Promise<Person> {
  const { user, session } = await admit(scene, `u-${randomUUID()}`, ['analyst'], now());
  const reply = await send(`${app.url}/sign-in/${session.id}`, { method: 'POST' });
  return { id: user.id, cookie: cookieOf(reply) };
}

function revocationOf({ id }: Person) {
  const head = { kind: 'end_sessions_of_user' as const, userId: id as never };
  return { ...head, reason: 'by_admin', evidence: {} };
}

/** Until everybody named is answered with this status on every lane. */
async function untilAnswered(traffic: Traffic, who: string, status: number): Promise<void> {
  const from = performance.now();
  await expect
    .poll(() => traffic.since(who, from).filter((one) => one.status === status).length, {
      timeout: 30_000,
      interval: 20,
    })
    .toBeGreaterThan(8);
}

describeOnBothEngines('a revoked session', (engine: Engine) => {
  it('is refused by every instance to every request that begins after it', async () => {
    const scene = await openScene();
    closers.push(() => scene.drop());
    const redis = engine === 'redis' ? await redisOrNull() : null;
    closers.push(async () => redis?.release());
    const apps = await startApps(scene.url, redis?.url ?? null);
    const delays: number[] = [];
    for (let round = 0; round < 15; round++) {
      const [gone, left, stays] = [
        await person(scene, apps[0]),
        await person(scene, apps[1]),
        await person(scene, apps[0]),
      ];
      const cookies = { gone: gone.cookie, left: left.cookie, stays: stays.cookie };
      const traffic = startTraffic(apps, cookies);
      await untilAnswered(traffic, 'gone', 200);
      const asked = performance.now();
      await Promise.all([
        run(scene, revocationOf(gone), OPERATOR, now()),
        run(scene, step('deactivate', left.id as never), SWEEP, now()),
      ]);
      const done = performance.now();
      await untilAnswered(traffic, 'stays', 200);
      await traffic.stop();
      for (const who of ['gone', 'left']) {
        expect(new Set(traffic.since(who, done).map((one) => one.status))).toEqual(new Set([401]));
        const last = traffic.answers.findLast((one) => one.who === who && one.status === 200);
        delays.push((last?.ended ?? asked) - asked);
      }
      expect(new Set(traffic.since('stays', 0).map((one) => one.status))).toEqual(new Set([200]));
    }
    // From the moment when it was asked for until the last answer of before.
    expect(Math.max(...delays)).toBeLessThan(SECOND);
  });
});

it('is refused while Redis is killed and started again: errors meanwhile, and it recovers', async () => {
  const scene = await openScene();
  closers.push(() => scene.drop());
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-redis-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const port = await findFreePort();
  let redis = await startRedisServer(folder, port, true);
  closers.push(() => redis.kill('SIGKILL'));
  const apps = await startApps(scene.url, `${redis.url}/1`);
  const [gone, left, stays] = [
    await person(scene, apps[0]),
    await person(scene, apps[1]),
    await person(scene, apps[1]),
  ];
  const traffic = startTraffic(apps, {
    gone: gone.cookie,
    left: left.cookie,
    stays: stays.cookie,
  });
  await untilAnswered(traffic, 'gone', 200);

  await run(scene, revocationOf(gone), OPERATOR, now());
  const revoked = performance.now();
  await redis.kill('SIGKILL');
  const away = performance.now();
  await untilAnswered(traffic, 'stays', 503);
  await run(scene, step('deactivate', left.id as never), SWEEP, now());
  const deactivated = performance.now();
  expect(new Set(traffic.since('stays', away).map((one) => one.status))).toEqual(new Set([503]));

  redis = await startRedisServer(folder, port, true);
  await untilAnswered(traffic, 'stays', 200);
  await untilAnswered(traffic, 'gone', 401);
  await traffic.stop();
  expectRefused(traffic, 'gone', revoked);
  expectRefused(traffic, 'left', deactivated);
});

it('is refused while Postgres is killed and started again: errors meanwhile, and it recovers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-postgres-'));
  await chmod(folder, 0o755);
  closers.push(() => rm(folder, { recursive: true, force: true }));
  let server = await openEmbeddedPostgres({ dir: folder });
  closers.push(() => server.stop());
  const pool = openPool(server.url);
  closers.push(() => pool.end());
  await migrate(pool);
  const scene = { db: overPool(pool), pool, url: server.url } as Scene;
  await registerConnection(scene.db, ACME, 'https://idp.example', START);
  const apps = await startApps(server.url, null);
  const [gone, stays] = [await person(scene, apps[0]), await person(scene, apps[1])];
  const traffic = startTraffic(apps, { gone: gone.cookie, stays: stays.cookie });
  await untilAnswered(traffic, 'gone', 200);

  await run(scene, revocationOf(gone), OPERATOR, now());
  const revoked = performance.now();
  const [pid] = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
  process.kill(Number(pid), 'SIGKILL');
  await untilAnswered(traffic, 'stays', 503);
  const again = await openEmbeddedPostgres({ dir: folder });
  expect(again.url).toBe(server.url);
  await server.stop();
  server = again;
  await untilAnswered(traffic, 'stays', 200);
  await untilAnswered(traffic, 'gone', 401);
  await traffic.stop();
  expectRefused(traffic, 'gone', revoked);
});

/** Refused, or told that something is broken: nothing else, and refused in the end. */
function expectRefused(traffic: Traffic, who: string, since: number): void {
  const statuses = traffic.since(who, since).map((one) => one.status);
  expect(statuses.filter((status) => status !== 401 && status !== 503)).toEqual([]);
  expect(statuses).toContain(401);
}
