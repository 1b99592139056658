import { Kysely, PostgresDialect, type RawBuilder, sql, type Transaction } from 'kysely';
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
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  pools.set(db, { pool, prepares: true });
  return db;
}

const pools = new WeakMap<Database, { readonly pool: pg.Pool; prepares: boolean }>();
/** 26000 invalid_sql_statement_name, 42P05 duplicate_prepared_statement, 0A000 feature_not_supported. */
const NOT_PREPARED = new Set(['26000', '42P05', '0A000']);

/**
 * Runs one statement that each connection parses and plans once, and not at every call:
 * for what is asked hundreds of times a second. Its text is always the same.
 *
 * A pooler between us and Postgres may lead the call to a connection that has never heard
 * of the statement. Then it was not run; from then on nothing is prepared.
 */
export async function runPrepared<Row>(
  db: Database,
  name: string,
  statement: RawBuilder<Row>,
): Promise<readonly Row[]> {
  const over = pools.get(db);
  if (over?.prepares !== true) return (await statement.execute(db)).rows;
  const { sql: text, parameters } = statement.compile(db);
  try {
    const { rows } = await over.pool.query({ name, text, values: [...parameters] });
    return rows;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !NOT_PREPARED.has(error.code ?? '')) throw error;
    over.prepares = false;
    return (await statement.execute(db)).rows;
  }
}

/**
 * Runs `work` in one transaction and commits it, or rolls back whatever it did.
 * A deadlock or serialization failure runs it again, so `work` must have no
 * effects outside the transaction.
 *
 * It reads what is committed by each statement, whatever the server's default is:
 * who counts under a lock must see what was committed while the lock was waited for.
 */
export function inTransaction<T>(db: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return tryAgain(() => db.transaction().setIsolationLevel('read committed').execute(work));
}

/** Runs a transaction again, of which a deadlock or serialization failure has left nothing. */
export async function tryAgain<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isWorthAnotherTry(error)) throw error;
    }
  }
}

/**
 * Reads in one transaction, of which no statement may take longer than so many
 * milliseconds: it is ended then, with 57014 `query_canceled`.
 */
export function withTimeLimit<T>(
  db: Database,
  ms: number,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const reading = db.transaction().setAccessMode('read only');
  return reading.execute(async (tx) => {
    await sql`set local statement_timeout = ${sql.lit(ms)}`.execute(tx);
    return work(tx);
  });
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
