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
    const program = (await findOnPath('redis-server')) ?? (await fetchRedis());
    return await startServer(program);
  } catch (error) {
    const missing = `${(error as Error).message}; set REDIS_URL or put redis-server on the PATH`;
    return { context: { missing }, close: async () => undefined };
  }
}

async function startServer(program: RedisProgram): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-redis-'));
  const port = await findFreePort();
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    save: '',
    appendonly: 'no',
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
  const close = async () => {
    process.off('exit', endWithUs);
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = `redis://127.0.0.1:${port}`;
    await awaitAnswer(url, child);
    return { context: { url }, close };
  } catch (error) {
    await close();
    throw error;
  }
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
