import { Redis } from 'ioredis';
import type pg from 'pg';
import { AppError } from '../core/errors.ts';

/**
 * What serves jobs, sessions and replay memory. Postgres is always there, for it
 * is the truth; where Redis is configured, those three live in Redis. This is the
 * one place that decides: everything else switches on `kind`.
 */
export type Engine =
  | { readonly kind: 'postgres'; readonly pool: pg.Pool; close(): Promise<void> }
  | {
      readonly kind: 'redis';
      readonly pool: pg.Pool;
      readonly redis: Redis;
      close(): Promise<void>;
    };

/** Where Redis is: its URL, or a client of the host's that stays the host's. */
export type RedisSource = { readonly url: string } | { readonly client: Redis };

/** How long a first connection to Redis may take before start gives up, in milliseconds. */
const CONNECT_TIMEOUT = 5_000;
const SCHEMES = new Set(['redis:', 'rediss:']);

/**
 * Chooses the engine. `close` ends what this call opened and nothing else: the
 * pool stays the caller's, and so does a Redis client that was handed in.
 * Throws `redis.bad_url` and `redis.unreachable`; neither carries the URL, which
 * may hold a password.
 */
export async function openEngine(pool: pg.Pool, source: RedisSource | null): Promise<Engine> {
  if (source === null) return { kind: 'postgres', pool, close: async () => undefined };
  if ('client' in source) {
    return { kind: 'redis', pool, redis: source.client, close: async () => undefined };
  }
  const redis = await connect(source.url);
  return {
    kind: 'redis',
    pool,
    redis,
    close: async () => {
      redis.disconnect();
    },
  };
}

/**
 * Connects, or says why not. Commands fail at once while Redis is away: a session
 * check that waits for ever is a page that hangs, and refusal is the default.
 */
async function connect(url: string): Promise<Redis> {
  requireRedisUrl(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT,
    commandTimeout: CONNECT_TIMEOUT,
    maxRetriesPerRequest: 1,
    connectionName: 'rollcall',
  });
  // Without a listener a lost connection would end the process; ioredis reconnects by itself.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
    return redis;
  } catch (cause) {
    redis.disconnect();
    throw new AppError(
      'redis.unreachable',
      'Redis did not answer: check that it runs and that redis.url (or REDIS_URL) names it.',
      { cause, detail: { reason: cause instanceof Error ? cause.message : String(cause) } },
    );
  }
}

function requireRedisUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : 'no URL';
  if (SCHEMES.has(protocol)) return;
  throw new AppError(
    'redis.bad_url',
    'redis.url (or REDIS_URL) must begin with redis:// or rediss://.',
    { detail: { expected: 'redis://host:6379', received: protocol } },
  );
}
