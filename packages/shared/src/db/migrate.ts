import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { AppError, wordsOf } from '../core/errors.ts';
import { surviveLostConnections } from './database.ts';

/** A numbered SQL file of `packages/shared/migrations`. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** sha-256 of the file: what has run may never change. */
  readonly digest: string;
}

/** What a database has had, and what it still lacks. */
export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url));
const FILE = /^(\d{4})_[a-z0-9_]+\.sql$/;
/** One key for all instances, so that only one migrates: 'roll' in ASCII. */
const LOCK = 0x726f6c6c;

/**
 * Brings the database up to this version: every pending file, each in its own
 * transaction, in order, under an advisory lock, so that any number of instances
 * may start at once. Answers with the names that it ran.
 *
 * @param folder where the files are; ours where left out.
 *
 * Throws `database.migration_changed` where a file that has run was edited,
 * `database.newer_schema` where the database knows migrations that we do not,
 * `database.migration_failed` where one fails (it leaves nothing behind).
 */
export async function migrate(pool: pg.Pool, folder = FOLDER): Promise<readonly string[]> {
  const migrations = await readMigrations(folder);
  surviveLostConnections(pool);
  const client = await pool.connect();
  let locked = true;
  try {
    // Must come before anything is read: another instance may be migrating now.
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    try {
      await client.query(LEDGER);
      const pending = pendingOf(migrations, await readLedger(client));
      for (const migration of pending) await run(client, migration);
      return pending.map((migration) => migration.name);
    } finally {
      // Should that fail, it is not what went wrong first; ending the connection ends the lock.
      locked = await client.query('select pg_advisory_unlock($1)', [LOCK]).then(
        () => false,
        () => true,
      );
    }
  } finally {
    client.release(locked);
  }
}

/** What has run and what has not; changes nothing. Throws as {@link migrate} does. */
export async function migrationStatus(pool: pg.Pool, folder = FOLDER): Promise<MigrationStatus> {
  const migrations = await readMigrations(folder);
  const client = await pool.connect();
  try {
    const there = await client.query(
      "select to_regclass('schema_migrations') is not null as there",
    );
    const ledger = there.rows[0]?.there === true ? await readLedger(client) : [];
    const pending = pendingOf(migrations, ledger).map((migration) => migration.name);
    return { applied: ledger.map((row) => row.name), pending };
  } finally {
    client.release();
  }
}

const LEDGER = `create table if not exists schema_migrations (
  number integer primary key, name text not null, digest text not null,
  applied_at timestamptz not null default now())`;

interface LedgerRow {
  readonly number: number;
  readonly name: string;
  readonly digest: string;
}

async function readLedger(client: pg.PoolClient): Promise<readonly LedgerRow[]> {
  const answer = await client.query<LedgerRow>(
    'select number, name, digest from schema_migrations order by number',
  );
  return answer.rows;
}

function pendingOf(
  migrations: readonly Migration[],
  ledger: readonly LedgerRow[],
): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const row of ledger) {
    const ours = known.get(row.number);
    if (ours === undefined) {
      throw new AppError(
        'database.newer_schema',
        `The database has had ${row.name}, which this version does not know: start the newer version.`,
      );
    }
    if (ours.digest !== row.digest) {
      throw new AppError(
        'database.migration_changed',
        `${row.name} was edited after it had run: restore the file, and put the change into a new one.`,
      );
    }
  }
  const done = new Set(ledger.map((row) => row.number));
  return migrations.filter((migration) => !done.has(migration.number));
}

async function run(client: pg.PoolClient, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query('insert into schema_migrations (number, name, digest) values ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.digest,
    ]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback').catch(() => undefined);
    throw new AppError(
      'database.migration_failed',
      `${migration.name} could not be applied; the database is as it was before it.`,
      { cause, detail: { reason: wordsOf(cause) } },
    );
  }
}

async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(FILE.exec(name)?.[1] ?? Number.NaN);
      // A gap or a double would run in another order elsewhere.
      if (number !== index + 1) {
        throw new AppError('database.migration_misnamed', `${name} is not migration ${index + 1}.`);
      }
      const sql = await readFile(join(folder, name), 'utf8');
      return { number, name, sql, digest: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
