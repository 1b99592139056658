import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '@rollcall/shared/db/embedded/port';
import { Redis } from 'ioredis';
import { fetchRedis, findOnPath, type RedisProgram } from './redis-program.ts';

const START_MS = 10_000;

/** The Redis of one test run, or why there is none. */
export interface TestRedis {
  readonly context: { url: string } | { missing: string };
  close(): Promise<void>;
}

/**
 * `REDIS_URL`, or a `redis-server` of our own: the one on the PATH, or else
 * Debian's package unpacked into `.tools`, without installing anything.
 */
export async function openTestRedis(): Promise<TestRedis> {
  const given = process.env.REDIS_URL;
  if (given) return { context: { url: given }, close: async () => undefined };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-redis-'));
    const { url, kill } = await startRedisServer(folder, await findFreePort());
    const close = async () => {
      await kill('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    };
    return { context: { url }, close };
  } catch (error) {
    const missing = `${(error as Error).message}; set REDIS_URL or put redis-server on the PATH`;
    return { context: { missing }, close: async () => undefined };
  }
}

/** A Redis server of one's own. */
export interface RedisServer {
  readonly url: string;
  /** Ends it and waits for its end. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a Redis server on a port of this machine.
 *
 * @param durable keeps what was written across a kill, in `folder`.
 */
export async function startRedisServer(
  folder: string,
  port: number,
  durable = false,
): Promise<RedisServer> {
  const program = await findRedis();
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    save: '',
    appendonly: durable ? 'yes' : 'no',
    appendfsync: 'always',
    databases: '256',
    dir: folder,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(program.file, args, { env: program.env, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const endWithUs = () => child.kill();
  process.once('exit', endWithUs);
  const kill = async (signal: NodeJS.Signals) => {
    process.off('exit', endWithUs);
    child.kill(signal);
    await ended;
  };
  try {
    const url = `redis://127.0.0.1:${port}`;
    await awaitAnswer(url, child);
    return { url, kill };
  } catch (error) {
    await kill('SIGKILL');
    throw error;
  }
}

async function findRedis(): Promise<RedisProgram> {
  return (await findOnPath('redis-server')) ?? (await fetchRedis());
}

async function awaitAnswer(url: string, child: ChildProcess): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 25 });
  client.on('error', () => undefined);
  const gone = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`redis-server did not start (${child.spawnfile})`));
    child.once('error', fail);
    child.once('exit', fail);
    setTimeout(fail, START_MS).unref();
  });
  try {
    await Promise.race([client.ping(), gone]);
  } finally {
    client.disconnect();
  }
}
