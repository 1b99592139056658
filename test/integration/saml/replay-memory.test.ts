import { randomUUID } from 'node:crypto';
import { PostgresReplayMemory } from '@rollcall/jit-auth/saml/postgres-replay-memory';
import { RedisReplayMemory } from '@rollcall/jit-auth/saml/redis-replay-memory';
import { codeOf } from '@rollcall/shared/core/errors';
import { toEpochMs } from '@rollcall/shared/core/time';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { describeReplayMemory } from '../../fixtures/saml/replay-memory-contract.ts';
import { freshDatabase } from '../../setup/database.ts';
import { describeOnBothEngines, redisOrNull } from '../../setup/redis.ts';

const database = await freshDatabase();
afterAll(() => database.drop());

describeReplayMemory('Postgres', () => new PostgresReplayMemory(database.pool));

describe('the replay memory of Postgres', () => {
  test('prunes what has expired for a minute, and nothing else', async () => {
    const memory = new PostgresReplayMemory(database.pool);
    const now = toEpochMs(Date.now());
    const live = randomUUID();
    await memory.put('prune', live, 'live', toEpochMs(now + 60_000));
    await database.pool.query(
      `insert into one_time (space, key, value, expires_at)
       select 'prune', 'old-' || n, '', now() - interval '2 minutes' from generate_series(1, 3) n
       union all select 'prune', 'just-now', '', now() - interval '5 seconds'`,
    );
    expect(await memory.prune(now)).toBeGreaterThanOrEqual(3);
    const { rows } = await database.pool.query<{ key: string }>(
      `select key from one_time where space = 'prune' order by key`,
    );
    expect(rows.map((row) => row.key).sort()).toEqual([live, 'just-now'].sort());
  });

  test('says that it is unavailable where Postgres does not answer', async () => {
    const pool = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
    const memory = new PostgresReplayMemory(pool);
    const failures = await Promise.allSettled([
      memory.take('a', 'b'),
      memory.put('a', 'b', '', toEpochMs(Date.now() + 1000)),
      memory.prune(toEpochMs(Date.now())),
    ]);
    const codes = failures.map((one) => (one.status === 'rejected' ? codeOf(one.reason) : 'fine'));
    expect(codes).toEqual(Array(3).fill('saml.replay_memory_unavailable'));
    await pool.end();
  });
});

describeOnBothEngines('the replay memory', (engine) => {
  if (engine === 'postgres') {
    test('is one for all instances', async () => {
      const other = new pg.Pool({ connectionString: database.url });
      const key = randomUUID();
      const expiresAt = toEpochMs(Date.now() + 60_000);
      await new PostgresReplayMemory(database.pool).put('a', key, 'shared', expiresAt);
      expect(await new PostgresReplayMemory(other).take('a', key)).toBe('shared');
      await other.end();
    });
    return;
  }
  const client = redisOrNull().then((fresh) => {
    if (fresh === null) throw new Error('no Redis, although the run has one');
    const redis = new Redis(fresh.url);
    afterAll(async () => {
      redis.disconnect();
      await fresh.release();
    });
    return redis;
  });
  describeReplayMemory('Redis', () => {
    return {
      put: async (...args) => new RedisReplayMemory(await client).put(...args),
      take: async (...args) => new RedisReplayMemory(await client).take(...args),
    };
  });

  test('names its keys and lets them expire by themselves', async () => {
    const redis = await client;
    const key = randomUUID();
    await new RedisReplayMemory(redis).put('space', key, 'v', toEpochMs(Date.now() + 60_000));
    const left = await redis.pttl(`rollcall:space:${key}`);
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  test('says that it is unavailable where Redis does not answer', async () => {
    const dead = new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: 0, retryStrategy: null });
    dead.on('error', () => undefined);
    const memory = new RedisReplayMemory(dead);
    const failures = await Promise.allSettled([
      memory.take('a', 'b'),
      memory.put('a', 'b', '', toEpochMs(Date.now() + 1000)),
    ]);
    const codes = failures.map((one) => (one.status === 'rejected' ? codeOf(one.reason) : 'fine'));
    expect(codes).toEqual(Array(2).fill('saml.replay_memory_unavailable'));
    dead.disconnect();
  });
});
