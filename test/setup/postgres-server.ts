import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import pg from 'pg';

/** The Postgres of one test run. */
export interface TestPostgres {
  readonly context: { adminUrl: string; run: string; problem: string | null };
  close(): Promise<void>;
}

const DIR = fileURLToPath(new URL('../../.rollcall/test', import.meta.url));

/**
 * `TEST_DATABASE_URL` (a role that may create databases), or the embedded
 * Postgres in `.rollcall/test`, which two runs in one checkout share. All names of
 * this run begin with `rollcall_test_RUN`.
 */
export async function openTestPostgres(): Promise<TestPostgres> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given
    ? { url: given, stop: async () => undefined }
    : await openEmbeddedPostgres({ dir: DIR, durable: false });
  const run = `${process.pid}_${randomBytes(3).toString('hex')}`;
  try {
    if (!given) await dropDatabases(server.url, isAbandoned);
    const problem = await makeTemplate(server.url, run);
    return {
      context: { adminUrl: server.url, run, problem },
      close: () => close(server, run),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function close(server: { url: string; stop(): Promise<void> }, run: string): Promise<void> {
  const left = await dropDatabases(server.url, (name) => name.startsWith(`rollcall_test_${run}_`));
  await server.stop();
  const forgotten = left.filter((name) => !name.endsWith('_template'));
  if (forgotten.length > 0) {
    process.stderr.write(
      `${forgotten.length} test databases were never dropped by their test file\n`,
    );
  }
}

/** A database with the current schema, from which each test file gets its own copy. */
async function makeTemplate(adminUrl: string, run: string): Promise<string | null> {
  const name = `rollcall_test_${run}_template`;
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(`create database ${name}`);
  } finally {
    await admin.end();
  }
  const pool = new pg.Pool({ connectionString: databaseUrl(adminUrl, name), max: 2 });
  try {
    const { migrate } = await import('@rollcall/shared/db/migrate');
    await migrate(pool);
    return null;
  } catch (error) {
    // Tests that need no database still tell something; those that do will say this.
    return error instanceof Error ? `${error.message} ${describeCause(error)}` : String(error);
  } finally {
    await pool.end();
  }
}

function describeCause(error: Error): string {
  return error.cause instanceof Error ? `(${error.cause.message})` : '';
}

/** The URL of another database on the same server. */
export function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function dropDatabases(url: string, chosen: (name: string) => boolean): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      "select datname from pg_database where datname like 'rollcall\\_test\\_%'",
    );
    const names = rows.map((row) => row.datname).filter(chosen);
    for (const name of names) await client.query(`drop database if exists ${name} with (force)`);
    return names;
  } finally {
    await client.end();
  }
}

/** Left by a run whose process was killed. */
function isAbandoned(name: string): boolean {
  const pid = Number(name.split('_')[2]);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
