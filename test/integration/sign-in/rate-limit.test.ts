import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { answerErrors } from '@rollcall/jit-auth/http/errors';
import { limitSignIns } from '@rollcall/jit-auth/http/rate-limit';
import { openPool } from '@rollcall/shared/db/database';
import { type Engine, openEngine } from '@rollcall/shared/engine/engine';
import { createLog } from '@rollcall/shared/telemetry/log';
import express from 'express';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../../setup/redis.ts';

const ALLOWANCE = { points: 50, windowSeconds: 60 };
/** What each instance gives out without asking the others. */
const FREE = 5;

interface Door {
  readonly url: string;
  readonly logged: string[];
  close(): Promise<void>;
}

/** One instance: a door with the limit before it, behind a proxy on this machine. */
async function openDoor(engine: Engine): Promise<Door> {
  const logged: string[] = [];
  const log = createLog('debug', { write: (line: string) => void logged.push(line) });
  const app = express();
  app.set('trust proxy', 'loopback');
  app.get('/saml/:connection/login', limitSignIns(engine, log, ALLOWANCE), (_request, response) => {
    response.send('in');
  });
  app.use(answerErrors(log));
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/saml/acme/login`,
    logged,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** How many of so many requests by one address are let through, several at once. */
async function knock(doors: readonly Door[], from: string, times: number): Promise<number> {
  let through = 0;
  for (let begun = 0; begun < times; begun += 20) {
    const statuses = await Promise.all(
      Array.from({ length: Math.min(20, times - begun) }, async (_, index) => {
        const door = doors[(begun + index) % doors.length];
        const headers = { 'x-forwarded-for': from };
        const response = await fetch(door?.url ?? '', { headers });
        await response.arrayBuffer();
        return response.status;
      }),
    );
    through += statuses.filter((status) => status === 200).length;
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
  }
  return through;
}

describeOnBothEngines('the limit at the door', (kind) => {
  let fresh: FreshDatabase;
  let redis: FreshRedis | null;
  let pool: pg.Pool;
  let engines: Engine[];
  let doors: Door[];
  let queries = 0;
  beforeAll(async () => {
    fresh = await freshDatabase();
    redis = kind === 'redis' ? await redisOrNull() : null;
    pool = openPool(fresh.url);
    pool.on('acquire', () => {
      queries++;
    });
    const source = redis === null ? null : { url: redis.url };
    engines = await Promise.all([1, 2, 3].map(() => openEngine(pool, source)));
    doors = await Promise.all(engines.map(openDoor));
  });
  afterAll(async () => {
    await Promise.all(doors.map((door) => door.close()));
    await Promise.all(engines.map((engine) => engine.close()));
    await pool.end();
    await redis?.release();
    await fresh.drop();
  });

  it('is one for all instances, apart from what each gives out by itself', async () => {
    expect(await knock(doors, '192.0.2.1', 200)).toBe(ALLOWANCE.points + 2 * FREE);
    expect(await knock(doors, '192.0.2.2', 10)).toBe(10);
  });

  it('costs no query for who comes seldom, nor for a flood beyond it', async () => {
    queries = 0;
    expect(await knock(doors.slice(0, 1), '192.0.2.3', FREE)).toBe(FREE);
    expect(queries).toBe(0);
    await knock(doors.slice(0, 1), '192.0.2.3', ALLOWANCE.points + 20);
    queries = 0;
    expect(await knock(doors.slice(0, 1), '192.0.2.3', 100)).toBe(0);
    expect(queries).toBe(0);
  });

  it('counts one network of IPv6 as one address', async () => {
    const [door] = doors;
    if (door === undefined) throw new Error('no door');
    let through = 0;
    for (let host = 1; host <= 70; host++) {
      through += await knock([door], `2001:db8:1:2::${host.toString(16)}`, 1);
    }
    expect(through).toBe(ALLOWANCE.points);
    expect(await knock([door], '2001:db8:1:3::1', 1)).toBe(1);
  });

  it('says to the log who, where and how much, and to the client how long', async () => {
    await knock(doors.slice(1, 2), '192.0.2.4', 80);
    const response = await fetch(doors[1]?.url ?? '', {
      headers: { 'x-forwarded-for': '192.0.2.4' },
    });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const { reference } = (await response.json()) as { reference: string };
    const line = doors[1]?.logged.find((entry) => entry.includes(reference)) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      code: 'http.too_many_requests',
      connection: 'acme',
      address: '192.0.2.4',
      expected: 'at most 50 in 60 s',
    });
  });
});

describe('the limit at the door, with its store away', () => {
  it.each(['postgres', 'redis'] as const)(
    'refuses nobody for that, and holds in each instance (%s)',
    async (kind) => {
      // Nobody listens on port 1.
      const pool = openPool('postgres://nobody@127.0.0.1:1/none');
      const away = new Redis('redis://127.0.0.1:1', {
        maxRetriesPerRequest: 1,
        retryStrategy: () => 200,
        lazyConnect: true,
      });
      away.on('error', () => undefined);
      const close = async (): Promise<void> => undefined;
      const engine: Engine =
        kind === 'redis' ? { kind, pool, redis: away, close } : { kind: 'postgres', pool, close };
      const doors = [await openDoor(engine), await openDoor(engine)];
      expect(await knock(doors, '192.0.2.1', 200)).toBe(2 * ALLOWANCE.points);
      const warnings = doors[0]?.logged.filter((line) => line.includes('counting_alone')) ?? [];
      expect(warnings.length).toBeGreaterThan(0);
      // Not once for each request.
      expect(warnings.length).toBeLessThan(30);
      for (const door of doors) await door.close();
      away.disconnect();
      await pool.end();
    },
  );

  it('does not wait for one that hangs', async () => {
    const silent = createTcp(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address() as AddressInfo;
    const pool = openPool(`postgres://nobody@127.0.0.1:${address.port}/none`);
    const door = await openDoor({ kind: 'postgres', pool, close: async () => undefined });
    const begun = performance.now();
    expect(await knock([door], '192.0.2.1', 60)).toBe(ALLOWANCE.points);
    expect(performance.now() - begun).toBeLessThan(6_000);
    await door.close();
    silent.close();
  });
});
