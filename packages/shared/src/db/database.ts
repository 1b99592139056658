import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { AppError, wordsOf } from '../core/errors.ts';
import type { Tables } from './tables.ts';

/** The typed query builder over one pool. */
export type Database = Kysely<Tables>;
/** A transaction of it. What takes a `Tx` never commits by itself. */
export type Tx = Transaction<Tables>;

/** How many connections one process holds at most; the queue has its own. */
const POOL_SIZE = 10;
/** 40001 serialization_failure, 40P01 deadlock_detected (PostgreSQL, Appendix A). */
const WORTH_ANOTHER_TRY = new Set(['40001', '40P01']);
const ATTEMPTS = 5;
/** Far longer than any statement of ours takes, in milliseconds. */
const QUERY_TIMEOUT = 60_000;

/**
 * Opens a pool on a Postgres URL. The caller ends it.
 * Throws `database.bad_url` where the URL is not one of Postgres; the URL itself,
 * which may carry a password, is in no message.
 */
export function openPool(url: string): pg.Pool {
  requirePostgresUrl(url);
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE,
    connectionTimeoutMillis: 10_000,
    // A server whose socket is open and silent would hold a connection for ever.
    query_timeout: QUERY_TIMEOUT,
    application_name: 'rollcall',
    keepAlive: true,
  });
  surviveLostConnections(pool);
  return pool;
}

const surviving = new WeakSet<pg.Pool>();

/**
 * Lets no connection that dies end the process. An idle one is replaced by the next
 * query. One in use fails its query, and says so on the side as an event, which the
 * pool does not listen to and which Node takes for uncaught.
 */
export function surviveLostConnections(pool: pg.Pool): void {
  if (surviving.has(pool)) return;
  surviving.add(pool);
  pool.on('error', () => undefined);
  // Not at `connect`: a host's pool may have connected before it was handed over.
  const heard = new WeakSet<object>();
  pool.on('acquire', (client) => {
    if (heard.has(client)) return;
    heard.add(client);
    client.on('error', () => undefined);
  });
}

/** Puts the typed query builder over a pool. Destroying it would end the pool: end the pool instead. */
export function overPool(pool: pg.Pool): Database {
  surviveLostConnections(pool);
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * Runs `work` in one transaction and commits it, or rolls back whatever it did.
 * A deadlock or serialization failure runs it again, so `work` must have no
 * effects outside the transaction.
 *
 * It reads what is committed by each statement, whatever the server's default is:
 * who counts under a lock must see what was committed while the lock was waited for.
 */
export async function inTransaction<T>(db: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().setIsolationLevel('read committed').execute(work);
    } catch (error) {
      if (attempt >= ATTEMPTS || !isWorthAnotherTry(error)) throw error;
    }
  }
}

/**
 * Asks the database for one row.
 * Throws `database.unreachable` with the driver's words as its cause.
 */
export async function requireReachable(pool: pg.Pool): Promise<void> {
  try {
    await pool.query('select 1');
  } catch (cause) {
    throw new AppError(
      'database.unreachable',
      'The database did not answer: check that Postgres runs and that database.url (or DATABASE_URL) names it.',
      { cause, detail: { reason: wordsOf(cause) } },
    );
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  return error instanceof pg.DatabaseError && WORTH_ANOTHER_TRY.has(error.code ?? '');
}

function requirePostgresUrl(url: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'postgres' || scheme === 'postgresql') return;
  throw new AppError(
    'database.bad_url',
    'database.url (or DATABASE_URL) must begin with postgres:// or postgresql://.',
    { detail: { expected: 'postgres://user@host:5432/name', received: scheme ?? 'no scheme' } },
  );
}
