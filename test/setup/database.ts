import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import { databaseUrl } from './postgres-server.ts';

/** A database of one's own with the current schema. */
export interface FreshDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /**
   * Ends the pool and drops the database. Throws when a client of the pool was
   * never released, or when somebody else is still connected: a leak in the code
   * under test.
   */
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long closing sockets may take until the server has noticed. */
const GRACE_MS = 2_000;

/** A copy of the migrated template: some 30 ms. Call it once per test file, and `drop()` in `afterAll`. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const { problem, run } = inject('postgres');
  if (problem !== null) throw new Error(`the schema could not be made: ${problem}`);
  return createDatabase(`template rollcall_test_${run}_template`);
}

/**
 * A copy of another one as it is now, for what has to begin from the same state again and
 * again. Nobody may be at work in the original.
 */
export async function copyDatabase(original: Pick<FreshDatabase, 'url'>): Promise<FreshDatabase> {
  const name = new URL(original.url).pathname.slice(1);
  const { adminUrl } = inject('postgres');
  // Idle connections count as work.
  await administer(adminUrl, (admin) =>
    admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      name,
    ]),
  );
  return createDatabase(`template ${name}`);
}

/** An empty database, for what tests migrations themselves. */
export function emptyDatabase(): Promise<FreshDatabase> {
  return createDatabase('');
}

async function createDatabase(clause: string): Promise<FreshDatabase> {
  const { adminUrl, run } = inject('postgres');
  const name = `rollcall_test_${run}_${randomBytes(5).toString('hex')}`;
  await administer(adminUrl, (admin) => admin.query(`create database ${name} ${clause}`));
  const url = databaseUrl(adminUrl, name);
  const pool = new pg.Pool({ connectionString: url, max: 10, application_name: 'test' });
  pool.on('error', () => undefined);
  const drop = async () => {
    const held = pool.totalCount - pool.idleCount;
    // pool.end() would wait for those for ever.
    if (held === 0) await pool.end();
    const others = await administer(adminUrl, async (admin) => {
      const found = await listConnections(admin, name);
      await admin.query(`drop database if exists ${name} with (force)`);
      return found;
    });
    if (held > 0) throw new Error(`leak: ${held} clients of the test's pool were never released`);
    if (others.length > 0) {
      throw new Error(`leak: connections left open to the test database: ${others.join(', ')}`);
    }
  };
  return { url, pool, drop, [Symbol.asyncDispose]: drop };
}

async function listConnections(admin: pg.Client, name: string): Promise<string[]> {
  const deadline = performance.now() + GRACE_MS;
  for (;;) {
    const { rows } = await admin.query<{ who: string }>(
      `select coalesce(nullif(application_name, ''), 'unnamed') || ': ' || left(query, 60) as who
         from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [name],
    );
    if (rows.length === 0 || performance.now() > deadline) return rows.map((row) => row.who);
    await sleep(50);
  }
}

async function administer<T>(adminUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
