import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { validateConfig } from '@rollcall/shared/config/load';
import type { Config, ConfigInput, Environment } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import { openPool, requireReachable } from '@rollcall/shared/db/database';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import { openEngine } from '@rollcall/shared/engine/engine';
import { openFoundation } from '@rollcall/shared/engine/foundation';
import { describeError } from '@rollcall/shared/telemetry/describe-error';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { openGate } from '../support/gate.ts';

const PASSWORD = 'correct-horse-battery';
const NOBODY = '127.0.0.1:1';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an error of ours, received ${inspect(error)}`);
}

/** Looks into every message, property, hidden ones too, and what the log would write. */
function expectNoPassword(error: Error): void {
  const everything = inspect(error, { depth: 20, showHidden: true, getters: true });
  const logged = JSON.stringify(describeError(error));
  for (const text of [everything, logged]) expect(text).not.toContain(PASSWORD);
}

describe('openPool', () => {
  it.each([
    ['mysql://root:PASSWORD@127.0.0.1/x', 'mysql'],
    ['https://u:PASSWORD@127.0.0.1/x', 'https'],
    ['//u:PASSWORD@127.0.0.1/x', 'no scheme'],
    ['u:PASSWORD@127.0.0.1', 'no scheme'],
    ['', 'no scheme'],
  ])('refuses %s', (url, received) => {
    try {
      openPool(url.replace('PASSWORD', PASSWORD));
      expect.unreachable('a pool was opened');
    } catch (error) {
      expect(error).toMatchObject({ code: 'database.bad_url', detail: { received } });
      expectNoPassword(error as Error);
    }
  });

  it.each([
    ['nobody listens', `postgres://u:${PASSWORD}@${NOBODY}/x`],
    ['there is no such port', `postgres://u:${PASSWORD}@127.0.0.1:99999/x`],
    ['the address is broken', `postgres://u:${PASSWORD}@[::1/x`],
    ['the password is not encoded', `postgres://u:%ZZ${PASSWORD}@${NOBODY}/x`],
  ])('says that nobody answers where %s', async (_why, url) => {
    const pool = openPool(url);
    try {
      const error = await errorOf(requireReachable(pool));
      expect(error.code).toBe('database.unreachable');
      expect(error.detail.reason).toEqual(expect.stringMatching(/./));
      expectNoPassword(error);
    } finally {
      await pool.end();
    }
  });

  it('says so where the password is wrong', async () => {
    const url = new URL(database.url);
    url.password = PASSWORD;
    const pool = openPool(url.href);
    try {
      const error = await errorOf(requireReachable(pool));
      expect(error.code).toBe('database.unreachable');
      expectNoPassword(error);
    } finally {
      await pool.end();
    }
  });
});

describe('openEngine without Redis', () => {
  it('is Postgres, and closing it leaves the pool open', async () => {
    const engine = await openEngine(database.pool, null);
    expect(engine.kind).toBe('postgres');
    await engine.close();
    await requireReachable(database.pool);
  });

  it.each([
    ['http://:PASSWORD@127.0.0.1:6379', 'http:'],
    ['127.0.0.1:6379', 'no URL'],
    [':PASSWORD@127.0.0.1:6379', 'no URL'],
    ['redis://:PASSWORD@127.0.0.1:99999', 'no URL'],
    ['redis://:PASSWORD@127.0.0.1:6379/main', 'main'],
    ['redis://:PASSWORD@127.0.0.1:6379/-1', '-1'],
    ['redis://:PASSWORD@127.0.0.1:6379/1/2', '1/2'],
    ['redis://:PASSWORD@127.0.0.1:6379/1.5', '1.5'],
    ['redis://:PASSWORD@127.0.0.1:6379?db=main', 'main'],
    ['redis://u:%ZZPASSWORD@127.0.0.1:6379', 'a bare %'],
    ['redis://%ZZ:PASSWORD@127.0.0.1:6379', 'a bare %'],
  ])('refuses the URL %s', async (url, received) => {
    const source = { url: url.replace('PASSWORD', PASSWORD) };
    const error = await errorOf(openEngine(database.pool, source));
    expect(error).toMatchObject({ code: 'redis.bad_url', detail: { received } });
    expectNoPassword(error);
  });

  it.each([
    ['nobody listens', `redis://u:${PASSWORD}@${NOBODY}`, /ECONNREFUSED/],
    ['there is no such host', `redis://:${PASSWORD}@nowhere.invalid`, /ENOTFOUND|EAI_AGAIN/],
  ])('says that nobody answers where %s', async (_why, url, reason) => {
    const error = await errorOf(openEngine(database.pool, { url }));
    expect(error).toMatchObject({
      code: 'redis.unreachable',
      detail: { reason: expect.stringMatching(reason) },
    });
    expectNoPassword(error);
  });
});

describeOnBothEngines('the foundation', (engine) => {
  let redis: FreshRedis | null = null;
  beforeAll(async () => {
    if (engine === 'redis') redis = await redisOrNull();
  });
  afterAll(() => redis?.release());

  const urlOf = (): string => {
    if (redis === null) throw new Error('no Redis is to be had');
    return redis.url;
  };
  const environment = (): Record<string, string> => ({
    DATABASE_URL: database.url,
    ...(redis === null ? {} : { REDIS_URL: redis.url }),
  });

  /** A client for what only a test wants to know of Redis. */
  async function onRedis<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(urlOf(), { connectionName: 'looking-on' });
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  /** Connections of ours that are still open, at the database and at Redis. */
  async function leftOpen(): Promise<{ postgres: number; redis: number }> {
    const answer = await database.pool.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where application_name = 'rollcall' and datname = current_database()",
    );
    const list = redis === null ? '' : await onRedis((client) => listClients(client));
    const number = redis === null ? '' : new URL(redis.url).pathname.slice(1);
    const ours = list.split('\n').filter((line) => line.includes(' name=rollcall '));
    return {
      postgres: answer.rows[0]?.n ?? -1,
      redis: ours.filter((line) => line.includes(` db=${number} `)).length,
    };
  }

  async function expectAllClosed(): Promise<void> {
    await expect.poll(leftOpen, { timeout: 5_000 }).toEqual({ postgres: 0, redis: 0 });
  }

  it('opens what the configuration names, and closes it', async () => {
    const foundation = await openFoundation(await configOf(engine), { env: environment() });
    expect(foundation.engine.kind).toBe(engine);
    expect(foundation.databaseUrl).toBe(database.url);
    expect(foundation.redisUrl).toBe(redis?.url ?? null);
    await requireReachable(foundation.pool);
    const first = foundation.close();
    const second = foundation.close();
    await second;
    expect(foundation.pool.ended).toBe(true);
    await first;
    await expectAllClosed();
  });

  it('leaves open what the host brought', async () => {
    const client = redis === null ? null : new Redis(redis.url);
    const options = { pool: database.pool, ...(client === null ? {} : { redis: client }) };
    const foundation = await openFoundation(await configOf('postgres'), options);
    expect(foundation.databaseUrl).toBeNull();
    expect(foundation.redisUrl).toBeNull();
    expect(foundation.engine.kind).toBe(engine);
    await foundation.close();
    await foundation.close();
    await requireReachable(database.pool);
    if (client !== null) expect(await client.ping()).toBe('PONG');
    client?.disconnect();
  });

  if (engine === 'postgres') {
    it.each<[string, 'postgres' | 'redis', Environment, string]>([
      ['no database URL', 'postgres', { DATABASE_URL: undefined }, 'config.secret_missing'],
      [
        'a database URL of another kind',
        'postgres',
        { DATABASE_URL: `mysql://u:${PASSWORD}@h/x` },
        'config.secret_not_a_url',
      ],
      [
        'a database that does not answer',
        'postgres',
        { DATABASE_URL: `postgres://u:${PASSWORD}@${NOBODY}/x` },
        'database.unreachable',
      ],
      ['no Redis URL', 'redis', {}, 'config.secret_missing'],
      [
        'a Redis URL of another kind',
        'redis',
        { REDIS_URL: `http://:${PASSWORD}@h` },
        'config.secret_not_a_url',
      ],
      [
        'a Redis URL that names no database',
        'redis',
        { REDIS_URL: `redis://:${PASSWORD}@${NOBODY}/main` },
        'redis.bad_url',
      ],
      [
        'a Redis that does not answer',
        'redis',
        { REDIS_URL: `redis://:${PASSWORD}@${NOBODY}` },
        'redis.unreachable',
      ],
    ])('with %s opens nothing and leaves nothing open', async (_what, kind, env, code) => {
      const options = { env: { ...environment(), ...env } };
      const error = await errorOf(openFoundation(await configOf(kind), options));
      expect(error.code).toBe(code);
      expectNoPassword(error);
      await expectAllClosed();
    });

    it('leaves the host’s pool open when Redis does not answer', async () => {
      const env = { REDIS_URL: `redis://${NOBODY}` };
      const options = { pool: database.pool, env };
      expect((await errorOf(openFoundation(await configOf('redis'), options))).code).toBe(
        'redis.unreachable',
      );
      await requireReachable(database.pool);
    });

    it('stops the embedded database when a later part fails, and when an earlier one cannot be closed', async () => {
      const stateDir = await mkdtemp(join(tmpdir(), 'rollcall-foundation-'));
      const dir = join(stateDir, 'postgres');
      try {
        const env = { REDIS_URL: `redis://${NOBODY}` };
        const failing = openFoundation(await configOf('redis', false), { env, stateDir });
        expect((await errorOf(failing)).code).toBe('redis.unreachable');
        expect(await runsAlready(dir)).toBe(false);

        const foundation = await openFoundation(await configOf('postgres', false), { stateDir });
        await foundation.pool.end();
        await expect(foundation.close()).rejects.toThrow('more than once');
        expect(await runsAlready(dir)).toBe(false);
      } finally {
        await removeState(stateDir);
      }
    });
    return;
  }

  it('says that a password is refused, without the password', async () => {
    const url = new URL(urlOf());
    url.username = 'nobody';
    url.password = PASSWORD;
    const error = await errorOf(openEngine(database.pool, { url: url.href }));
    expect(error).toMatchObject({
      code: 'redis.unreachable',
      detail: { reason: expect.stringContaining('WRONGPASS') },
    });
    expectNoPassword(error);
  });

  it.each(['/999999', '?db=999999'])(
    'does not go on in database 0 where %s is asked for',
    async (place) => {
      const { origin } = new URL(urlOf().replace('redis:', 'http:'));
      const url = `${origin.replace('http:', 'redis:')}${place}`;
      const error = await errorOf(openEngine(database.pool, { url }));
      expect(error).toMatchObject({
        code: 'redis.unreachable',
        detail: { reason: expect.stringMatching(/out of range/) },
      });
      await expectAllClosed();
    },
  );

  it('uses the database that the URL names', async () => {
    const opened = await openEngine(database.pool, { url: urlOf() });
    try {
      if (opened.kind !== 'redis') throw new Error('expected Redis');
      await opened.redis.set('here', '1', 'EX', 60);
      expect(await onRedis((client) => client.get('here'))).toBe('1');
    } finally {
      await opened.close();
    }
  });

  it('fails commands while Redis is away, without ending the process, and goes on when it is back', async () => {
    const gate = await openGate(urlOf());
    const opened = await openEngine(database.pool, { url: gate.url });
    try {
      if (opened.kind !== 'redis') throw new Error('expected Redis');
      const { redis: client } = opened;
      gate.shut();
      // The first was on its way when the connection was lost, the others find none.
      for (const limitMs of [6_000, 2_000, 2_000]) {
        const before = performance.now();
        await expect(client.get('x')).rejects.toThrow();
        expect(performance.now() - before).toBeLessThan(limitMs);
      }
      gate.reopen();
      await expect.poll(() => client.ping().catch(String), { timeout: 10_000 }).toBe('PONG');
    } finally {
      await opened.close();
      await gate.close();
    }
  });

  it('gives up on a Redis that takes connections and never answers', async () => {
    const gate = await openGate(urlOf());
    gate.stall();
    try {
      const before = performance.now();
      const error = await errorOf(openEngine(database.pool, { url: gate.url }));
      expect(error.code).toBe('redis.unreachable');
      expect(performance.now() - before).toBeLessThan(15_000);
      await expect.poll(() => gate.connections(), { timeout: 5_000 }).toBe(0);
    } finally {
      await gate.close();
    }
  });
});

function listClients(client: Redis): Promise<string> {
  return client.client('LIST') as Promise<string>;
}

/** Whether a server runs in the folder; one that had to be started is stopped again. */
async function runsAlready(dir: string): Promise<boolean> {
  const opened = await openEmbeddedPostgres({ dir });
  await opened.stop();
  return opened.attached;
}

/** The data may lie elsewhere, where the server's account may enter. */
async function removeState(stateDir: string): Promise<void> {
  const pointer = join(stateDir, 'postgres/data-location.json');
  const moved = await readFile(pointer, 'utf8').then(
    (text) => String((JSON.parse(text) as { parent: unknown }).parent),
    () => null,
  );
  for (const folder of [stateDir, ...(moved === null ? [] : [moved])]) {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function configOf(engine: 'postgres' | 'redis', withDatabase = true): Promise<Config> {
  const config = {
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    ...(withDatabase ? { database: { url: 'env:DATABASE_URL' } } : {}),
    ...(engine === 'redis' ? { redis: { url: 'env:REDIS_URL' } } : {}),
    connections: [
      {
        id: 'acme',
        idp: { metadata_url: 'https://idp.acme.example/metadata' },
        subject: { attribute: 'uid' },
      },
    ],
    roles: [{ role: 'analyst', when: { any_group: ['BI'] } }],
  };
  return validateConfig(config as ConfigInput, { env: { SESSION_KEY: 'x'.repeat(40) } });
}
