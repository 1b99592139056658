import type { Redis } from 'ioredis';
import type pg from 'pg';
import { AppError, wordsOf } from '../core/errors.ts';

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
/**
 * How long until Redis is tried again, in milliseconds. A command waits for two tries:
 * growing pauses, as ioredis makes them, would keep every page waiting meanwhile.
 */
const RECONNECT_EVERY = 200;
const SCHEMES = new Set(['redis:', 'rediss:']);
/** The number of a database; nothing for the first. */
const DATABASE = /^\d{0,9}$/;

/**
 * Chooses the engine. `close` ends what this call opened and nothing else: the
 * pool stays the caller's, and so does a Redis client that was handed in.
 * Throws `redis.bad_url` and `redis.unreachable`; neither carries the URL, which
 * may hold a password, nor the command that carried the password to Redis.
 */
export async function openEngine(pool: pg.Pool, source: RedisSource | null): Promise<Engine> {
  if (source === null) return { kind: 'postgres', pool, close: async () => undefined };
  if ('client' in source) {
    const redis = impatientCopy(source.client);
    return { kind: 'redis', pool, redis, close: async () => redis.disconnect() };
  }
  const redis = await connectRedis(source.url);
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
 * Connects, or says why not. Commands fail within a second while Redis refuses
 * connections, and after `CONNECT_TIMEOUT` where it hangs or the command was on its way
 * already: a session check that waits for ever is a page that hangs, and refusal is
 * the default. The caller disconnects. Throws as {@link openEngine} does.
 */
export async function connectRedis(url: string): Promise<Redis> {
  const number = requireRedisUrl(url);
  // Here, for a command that needs no Redis is quicker without.
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT,
    commandTimeout: CONNECT_TIMEOUT,
    maxRetriesPerRequest: 1,
    retryStrategy: () => RECONNECT_EVERY,
    connectionName: 'rollcall',
  });
  // Without a listener a lost connection would end the process; ioredis reconnects by itself.
  let lost: Error | null = null;
  redis.on('error', (error: Error) => {
    lost = error;
  });
  try {
    await redis.connect();
    // ioredis would go on in database 0, where somebody else's keys may be.
    if (number > 0) await redis.select(number);
    await redis.ping();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw unreachable(lost ?? error);
  }
}

/**
 * A connection of our own, made like the host's: a client that was made for BullMQ
 * waits for Redis for ever, and so would every page.
 */
function impatientCopy(client: Redis): Redis {
  const redis = client.duplicate({
    connectTimeout: CONNECT_TIMEOUT,
    commandTimeout: CONNECT_TIMEOUT,
    maxRetriesPerRequest: 1,
    retryStrategy: () => RECONNECT_EVERY,
  });
  redis.on('error', () => undefined);
  return redis;
}

/** Only the words: the error of a refused password holds the command with the password in it. */
function unreachable(error: unknown): AppError {
  return new AppError(
    'redis.unreachable',
    'Redis did not answer: check that it runs and that redis.url (or REDIS_URL) names it.',
    { detail: { reason: wordsOf(error) } },
  );
}

/** The number of the database that the URL names, 0 where it names none. */
function requireRedisUrl(url: string): number {
  const parsed = URL.parse(url);
  if (parsed === null || !SCHEMES.has(parsed.protocol)) {
    throw badUrl(
      'must begin with redis:// or rediss://',
      'redis://host:6379',
      parsed?.protocol ?? 'no URL',
    );
  }
  if (!isDecodable(parsed.username) || !isDecodable(parsed.password)) {
    const expected = '% written as %25 in the user name and the password';
    throw badUrl('has a user name or a password that is not percent-encoded', expected, 'a bare %');
  }
  const path = parsed.pathname.slice(1);
  const number = path === '' ? (parsed.searchParams.get('db') ?? '') : path;
  if (!DATABASE.test(number)) {
    throw badUrl('must end with the number of a database', 'redis://host:6379/0', number);
  }
  return Number(number);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function badUrl(fault: string, expected: string, received: string): AppError {
  return new AppError('redis.bad_url', `redis.url (or REDIS_URL) ${fault}.`, {
    detail: { expected, received },
  });
}
