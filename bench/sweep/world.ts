import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import { migrate } from '@rollcall/shared/db/migrate';
import { currentTime } from '@rollcall/shared/db/timestamp';
import pg from 'pg';
import type { Order } from './directory-server.ts';
import { seedPeople } from './seed.ts';
import type { Done, Task } from './worker.ts';

/** What a step may leave to the world that it happens in. */
export type Step = Pick<Task, 'step' | 'minutes' | 'plan' | 'leanly'>;

/** A directory in a process of its own, and a durable Postgres with the same people. */
export interface SweepWorld {
  readonly postgres: string;
  /** Carries out a step in a worker process that ends with it. */
  run(step: Step): Promise<Done>;
  tellDirectory(order: Order): Promise<void>;
  /** A digest of every byte of every grant, and of everybody's state. */
  accessDigest(): Promise<string>;
  close(): Promise<void>;
}

/** Rows on a page: what is asked for where nothing is configured. */
export const PAGE_SIZE = 200;
/** As the documentation of the sweep advises for a worker of its own. */
export const WORKER_OPTIONS = ['--max-semi-space-size=4'];

/** Opens it in a folder of its own, which goes away with it. */
export async function openSweepWorld(people: number): Promise<SweepWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const closers: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const server = await openEmbeddedPostgres({ dir: join(folder, 'postgres') });
    closers.push(() => server.stop());
    // Without the service's limit of time: to fill the database takes longer.
    const pool = new pg.Pool({ connectionString: server.url });
    closers.push(() => pool.end());
    await prepareDatabase(server.url, pool, people);
    const directory = fork(join(import.meta.dirname, 'directory-server.ts'), [
      `${people}`,
      `${PAGE_SIZE}`,
    ]);
    closers.push(() => endProcess(directory));
    const [{ url }] = (await once(directory, 'message')) as [{ url: string }];
    const { rows } = await pool.query<{ server_version: string }>('show server_version');
    const where = { databaseUrl: server.url, directoryUrl: url, pageSize: PAGE_SIZE };
    return {
      postgres: rows[0]?.server_version ?? 'unknown',
      run: (step) => runWorker({ ...where, ...step }),
      tellDirectory: async (order) => {
        const done = once(directory, 'message');
        directory.send(order);
        await done;
      },
      accessDigest: () => digestAccess(pool),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function prepareDatabase(url: string, pool: pg.Pool, people: number): Promise<void> {
  const own = openPool(url);
  try {
    await migrate(own);
    const acme = toConnectionId('acme');
    await registerConnection(overPool(own), acme, 'https://idp.example', currentTime());
  } finally {
    await own.end();
  }
  await seedPeople(pool, people);
}

async function runWorker(task: Task): Promise<Done> {
  const worker = fork(join(import.meta.dirname, 'worker.ts'), [], {
    execArgv: [...process.execArgv, ...(task.leanly === false ? [] : WORKER_OPTIONS)],
  });
  const ended = once(worker, 'exit');
  const answers: Done[] = [];
  worker.on('message', (done: Done) => answers.push(done));
  worker.send(task);
  const [code] = await ended;
  const [done] = answers;
  if (done !== undefined) return done;
  throw new Error(`the worker ended with ${code} before it had done: ${task.step}`);
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || !child.connected) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

async function digestAccess(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ digest: string }>(
    `select md5(concat(
       (select string_agg(md5(g::text), '' order by user_id, role, connection_id, channel) from grants g),
       (select string_agg(md5(concat_ws('|', id, state, cause, state_reason, state_changed_at, groups,
                                        groups_seen_at, last_confirmed_at)), '' order by id) from users))) as digest`,
  );
  return rows[0]?.digest ?? '';
}
