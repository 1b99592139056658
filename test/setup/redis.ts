import { appendFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { describe, inject } from 'vitest';

/** A numbered Redis database that nobody else uses. */
export interface FreshRedis {
  /** `redis://…/NUMBER` */
  readonly url: string;
  /** Empties it and gives it back. */
  release(): Promise<void>;
}

/** On what a service keeps its queue, its sessions and its counters. */
export type Engine = 'postgres' | 'redis';

const CLAIM = 'rollcall-test-claim';

/**
 * A Redis database for one test file, or null where this run has no Redis. Only
 * an empty one is taken, so that a `REDIS_URL` with data in it loses nothing.
 */
export async function redisOrNull(): Promise<FreshRedis | null> {
  const context = inject('redis');
  if ('missing' in context) return null;
  const client = new Redis(context.url, { maxRetriesPerRequest: 1 });
  try {
    const number = await claimDatabase(client);
    const url = new URL(context.url);
    url.pathname = `/${number}`;
    return { url: url.href, release: () => releaseDatabase(url.href) };
  } finally {
    client.disconnect();
  }
}

/**
 * Registers the same tests for Postgres alone and for Postgres with Redis. Where
 * no Redis can be had the run says so at its end, and with `CI=true` it fails.
 */
export function describeOnBothEngines(name: string, fn: (engine: Engine) => void): void {
  describe(`${name} (on Postgres)`, () => fn('postgres'));
  const context = inject('redis');
  if ('missing' in context) noteMissing(context.missing);
  else describe(`${name} (on Postgres and Redis)`, () => fn('redis'));
}

async function claimDatabase(client: Redis): Promise<number> {
  const [, setting] = (await client.config('GET', 'databases').catch(() => [])) as string[];
  const count = Number(setting ?? 16);
  for (let number = 1; number < count; number++) {
    await client.select(number);
    const empty = (await client.dbsize()) === 0;
    if (empty && (await client.set(CLAIM, process.pid, 'NX')) === 'OK') return number;
  }
  throw new Error(`none of the ${count} databases of the test Redis is empty`);
}

async function releaseDatabase(url: string): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    await client.flushdb();
  } finally {
    client.disconnect();
  }
}

/** `scripts/test.mjs` prints what is in this file as the last lines of the run. */
function noteMissing(reason: string): void {
  const notes = process.env.ROLLCALL_TEST_NOTES;
  const line = `the Redis half did not run: ${reason}\n`;
  if (notes === undefined) process.stderr.write(line);
  else appendFileSync(notes, line);
}
