import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@rollcall/shared/engine/engine';
import {
  type RateLimiterAbstract,
  RateLimiterPostgres,
  RateLimiterRedis,
} from 'rate-limiter-flexible';

/** How long the common count may take to answer, in milliseconds. */
const PATIENCE_MS = 1_000;

/** What is counted by all instances together. */
export interface CommonLimit {
  readonly points: number;
  /** In seconds. */
  readonly duration: number;
  /** What is counted: keys of other counts are others. */
  readonly keyPrefix: string;
  /** Refuses in memory, without asking, once so much was consumed. */
  readonly inMemoryBlockOnConsumed?: number;
}

/** A count that all instances share, in Redis where there is one, else in Postgres. */
export function commonCount(engine: Engine, limit: CommonLimit): RateLimiterAbstract {
  if (engine.kind === 'redis') return new RateLimiterRedis({ ...limit, storeClient: engine.redis });
  return new RateLimiterPostgres({
    ...limit,
    storeClient: engine.pool,
    storeType: 'pool',
    tableName: 'sign_in_rates',
    tableCreated: true,
    clearExpiredByTimeout: false,
  });
}

/** Gives work so long, and no longer: what hangs must not keep a request waiting. Throws. */
export async function withinPatience<T>(work: Promise<T>): Promise<T> {
  const given = new AbortController();
  // One that fails after the patience has ended was told already.
  work.catch(() => undefined);
  const late = sleep(PATIENCE_MS, undefined, { signal: given.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${PATIENCE_MS} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    given.abort();
  }
}
