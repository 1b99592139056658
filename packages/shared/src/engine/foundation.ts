import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { resolveServerUrl } from '../config/secrets.ts';
import type { Config, Environment } from '../config/types.ts';
import { type Database, openPool, overPool, requireReachable } from '../db/database.ts';
import { openEmbeddedPostgres } from '../db/embedded/open.ts';
import { type Engine, openEngine, type RedisSource } from './engine.ts';

/** What both halves stand on: the database, and what serves jobs and sessions. */
export interface Foundation {
  readonly pool: pg.Pool;
  readonly db: Database;
  readonly engine: Engine;
  /** For BullMQ, which opens connections of its own; null where the host brought its pool. Never print it. */
  readonly databaseUrl: string | null;
  /** For BullMQ, likewise; null where Redis is not configured or the host's. */
  readonly redisUrl: string | null;
  /** Ends what this opened, and nothing that was handed in. May be called twice. */
  close(): Promise<void>;
}

/** What a host may bring along, and where the embedded database lives. */
export interface FoundationOptions {
  readonly pool?: pg.Pool;
  readonly redis?: Redis;
  readonly env?: Environment;
  /** The folder of state; `.rollcall` in the working directory where left out. */
  readonly stateDir?: string;
  /** Told, in a few words, what takes time. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Opens the database and the engine that the configuration names; the embedded
 * Postgres where it names none. The one place that chooses.
 * Throws `database.…`, `redis.…` and `config.secret_…`; what it had opened by then
 * is closed again.
 */
export async function openFoundation(
  config: Config,
  options: FoundationOptions = {},
): Promise<Foundation> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = closeOnce(closers);
  try {
    const databaseUrl = options.pool === undefined ? await openUrl(config, options, closers) : null;
    const pool = options.pool ?? openPool(databaseUrl ?? '');
    if (options.pool === undefined) closers.push(() => pool.end());
    await requireReachable(pool);
    const source = await redisSource(config, options);
    const engine = await openEngine(pool, source);
    closers.push(() => engine.close());
    const redisUrl = source !== null && 'url' in source ? source.url : null;
    return { pool, db: overPool(pool), engine, databaseUrl, redisUrl, close };
  } catch (error) {
    // What failed first is what the reader has to know.
    await close().catch(() => undefined);
    throw error;
  }
}

/**
 * Ends what was opened, the last first, and all of it: one that cannot be ended keeps
 * nothing else open. Whoever calls again waits for the same end.
 */
function closeOnce(closers: readonly (() => Promise<unknown>)[]): () => Promise<void> {
  let closing: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const end of closers.toReversed()) {
      await end().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  };
  return () => {
    closing ??= closeAll();
    return closing;
  };
}

async function openUrl(
  config: Config,
  options: FoundationOptions,
  closers: (() => Promise<unknown>)[],
): Promise<string> {
  if (config.database.url !== null) {
    return resolveServerUrl('postgres', config.database.url, options.env ?? process.env);
  }
  const embedded = await openEmbeddedPostgres({
    dir: join(options.stateDir ?? '.rollcall', 'postgres'),
    ...(options.onProgress === undefined ? {} : { log: options.onProgress }),
  });
  closers.push(() => embedded.stop());
  return embedded.url;
}

async function redisSource(
  config: Config,
  options: FoundationOptions,
): Promise<RedisSource | null> {
  if (options.redis !== undefined) return { client: options.redis };
  if (config.redis.url === null) return null;
  return { url: await resolveServerUrl('redis', config.redis.url, options.env ?? process.env) };
}
