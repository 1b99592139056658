import { inTransaction, openPool, overPool, requireReachable } from '@rollcall/shared/db/database';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

/** Ends every connection of an application, as a restart of the server would. */
async function cutOff(name: string): Promise<void> {
  const { rows } = await fresh.pool.query<{ ended: boolean }>(
    'select pg_terminate_backend(pid) as ended from pg_stat_activity where application_name = $1',
    [name],
  );
  expect(rows.length).toBeGreaterThan(0);
}

describe.each([
  ['a pool of our own', (url: string) => openPool(url), 'rollcall'],
  [
    'a pool of the host’s',
    (url: string) => new pg.Pool({ connectionString: url, application_name: 'host' }),
    'host',
  ],
])('on %s, a connection that is lost', (_whose, open, name) => {
  it.each([
    ['between two queries of a transaction', sql`select 1`],
    ['during a query of a transaction', sql`select pg_sleep(30)`],
  ])('%s fails that transaction and nothing else', async (_when, query) => {
    const pool = open(fresh.url);
    const db = overPool(pool);
    try {
      const started = Promise.withResolvers<void>();
      const cut = Promise.withResolvers<void>();
      const failing = inTransaction(db, async (tx) => {
        await sql`select 1`.execute(tx);
        started.resolve();
        await Promise.all([query.execute(tx), cut.promise]);
        await sql`select 1`.execute(tx);
      });
      const outcome = expect(failing).rejects.toThrow();
      await started.promise;
      await cutOff(name);
      // Node would end the process in this turn, were nobody listening.
      await new Promise((done) => setTimeout(done, 100));
      cut.resolve();
      await outcome;
      await requireReachable(pool);
      expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
    } finally {
      await pool.end();
    }
  });

  it('while it was idle is replaced', async () => {
    const pool = open(fresh.url);
    const db = overPool(pool);
    try {
      await requireReachable(pool);
      await cutOff(name);
      await new Promise((done) => setTimeout(done, 100));
      expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
    } finally {
      await pool.end();
    }
  });
});
