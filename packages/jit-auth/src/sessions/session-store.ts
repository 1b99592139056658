import { AppError, wordsOf } from '@rollcall/shared/core/errors';
import type { Engine } from '@rollcall/shared/engine/engine';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import session, { type SessionData, Store } from 'express-session';
import type { Redis } from 'ioredis';

/** How express-session's callbacks end; its types forget the error of `touch`. */
type Done = (error?: unknown) => void;

/**
 * Where the cookies' sessions are kept: in Redis where the engine has it, else in
 * Postgres. Every command that fails ends with `session.store_failed`,
 * apart from `touch`.
 *
 * @param onError told of what fails between requests.
 */
export function openSessionStore(engine: Engine, onError: (error: unknown) => void): Store {
  return new StrictStore(openStore(engine, onError), onError);
}

/**
 * A store whose failures are failures. express-session takes an error with the code
 * `ENOENT` for a session that is not there, and goes on with a new one; but that
 * is what a driver says when the socket of its server is gone. The driver's error
 * stays here: it may hold the command, and in it the id of the session.
 */
class StrictStore extends Store {
  readonly #inner: Store;
  readonly #onError: (error: unknown) => void;

  constructor(inner: Store, onError: (error: unknown) => void) {
    super();
    this.#inner = inner;
    this.#onError = onError;
  }

  override get(sid: string, done: (error: unknown, data?: SessionData | null) => void): void {
    this.#inner.get(sid, (error, data) => done(failureOf(error), data));
  }

  override set(sid: string, data: SessionData, done?: Done): void {
    this.#inner.set(sid, data, (error) => done?.(failureOf(error)));
  }

  override destroy(sid: string, done?: Done): void {
    this.#inner.destroy(sid, (error) => done?.(failureOf(error)));
  }

  /**
   * Only prolongs how long the store keeps what the cookie leads to. It happens while the
   * answer is being sent: an error would cut the connection under an answer that was right.
   */
  override touch(sid: string, data: SessionData, done?: Done): void {
    const touched: Done = (error) => {
      const failure = failureOf(error);
      if (failure !== null) this.#onError(failure);
      done?.();
    };
    if (this.#inner.touch === undefined) touched();
    else this.#inner.touch(sid, data, touched);
  }
}

function failureOf(error: unknown): AppError | null {
  if (error === undefined || error === null) return null;
  return new AppError('session.store_failed', 'Please try again in a moment.', {
    detail: { expected: 'the store of sessions answers', received: wordsOf(error) },
  });
}

function openStore(engine: Engine, onError: (error: unknown) => void): Store {
  if (engine.kind === 'redis') {
    return new RedisStore({ client: asNodeRedis(engine.redis), prefix: 'rollcall:session:' });
  }
  const PostgresStore = connectPgSimple(session);
  return new PostgresStore({
    pool: engine.pool,
    tableName: 'http_sessions',
    createTableIfMissing: false,
    // `housekeeping.ts` does it, and stops with the plugin.
    pruneSessionInterval: false,
    // Called as console.error would be: words first, then the error.
    errorLog: (...told: readonly unknown[]) => onError(told.at(-1)),
  });
}

type StoreClient = ConstructorParameters<typeof RedisStore>[0]['client'];

/**
 * connect-redis speaks node-redis; BullMQ and the rest of this house speak
 * ioredis. Two clients would be two connections that fail apart, so the four
 * commands that the store uses are translated.
 */
function asNodeRedis(redis: Redis): StoreClient {
  const commands = {
    get: (key: string) => redis.get(key),
    set: (key: string, value: string, options?: { expiration?: { value: number } }) => {
      const seconds = options?.expiration?.value;
      return seconds === undefined ? redis.set(key, value) : redis.set(key, value, 'EX', seconds);
    },
    expire: (key: string, seconds: number) => redis.expire(key, seconds),
    del: (keys: string[]) => redis.del(...keys),
  };
  return commands as unknown as StoreClient;
}
