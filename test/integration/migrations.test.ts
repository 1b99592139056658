import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '@rollcall/shared/core/errors';
import { migrate, migrationStatus } from '@rollcall/shared/db/migrate';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../setup/database.ts';

const OURS = resolve(import.meta.dirname, '../../packages/shared/migrations');

let database: FreshDatabase;
let folder: string;
beforeEach(async () => {
  database = await emptyDatabase();
  folder = await mkdtemp(join(tmpdir(), 'rollcall-migrations-'));
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an error of ours, received ${String(error)}`);
}

function write(name: string, sql: string): Promise<void> {
  return writeFile(join(folder, name), sql);
}

async function query<Row extends object>(sql: string): Promise<Row[]> {
  return (await database.pool.query<Row>(sql)).rows;
}

async function tables(): Promise<string[]> {
  const rows = await query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  );
  return rows.map(({ name }) => name);
}

/** Everything that a schema is, as text: columns, constraints, indexes, triggers, functions. */
async function schema(pool: pg.Pool): Promise<unknown> {
  const answer = await pool.query(`
    select 'column' as kind, table_name || '.' || column_name as name,
           data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') || coalesce(collation_name, '') as what
      from information_schema.columns where table_schema = 'public'
    union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
      from pg_constraint where connamespace = 'public'::regnamespace
    union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all select 'trigger', tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function', proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace
    order by 1, 2, 3`);
  return answer.rows;
}

/** Whoever waits for the lock of another connection would wait here for ever. */
async function lockIsFree(): Promise<boolean> {
  const rows = await query<{ n: number }>(
    "select count(*)::int as n from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
  );
  return rows[0]?.n === 0;
}

describe('our migrations', () => {
  it('make every table from nothing, and name what they ran', async () => {
    const names = (await readdir(OURS)).sort();
    expect(await migrationStatus(database.pool)).toEqual({ applied: [], pending: names });
    expect(await tables()).toEqual([]);
    expect(await migrate(database.pool)).toEqual(names);
    expect(await tables()).toEqual(expect.arrayContaining(['audit_events', 'users', 'sessions']));
    expect(await migrationStatus(database.pool)).toEqual({ applied: names, pending: [] });
    expect(await lockIsFree()).toBe(true);
  });

  it('do nothing the second time', async () => {
    await migrate(database.pool);
    const [installed] = await query<{ id: string }>('select id from installation');
    const before = await schema(database.pool);
    expect(await migrate(database.pool)).toEqual([]);
    expect(await schema(database.pool)).toEqual(before);
    expect(await query('select id from installation')).toEqual([installed]);
  });

  it('are run once by eight instances at once', async () => {
    const pools = Array.from(
      { length: 8 },
      () => new pg.Pool({ connectionString: database.url, max: 2 }),
    );
    try {
      const ran = await Promise.all(pools.map((pool) => migrate(pool)));
      expect(ran.flat()).toEqual((await readdir(OURS)).sort());
      expect(await query('select * from installation')).toHaveLength(1);
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
    const template = await freshDatabase();
    try {
      expect(await schema(database.pool)).toEqual(await schema(template.pool));
    } finally {
      await template.drop();
    }
  });

  it('need no more than one connection', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    try {
      const names = (await readdir(OURS)).sort();
      const ran = await Promise.all([migrate(pool), migrate(pool), migrate(pool)]);
      expect(ran.flat()).toEqual(names);
      expect(await migrationStatus(pool)).toEqual({ applied: names, pending: [] });
    } finally {
      await pool.end();
    }
  });

  it('compare identities by bytes, whatever the language of the database', async () => {
    await migrate(database.pool);
    const rows = await query<{ name: string }>(`
      select attrelid::regclass || '.' || attname as name from pg_attribute
        join pg_class on pg_class.oid = attrelid and relkind = 'r'
       where relnamespace = 'public'::regnamespace and attnum > 0
         and attname in ('connection_id', 'subject', 'directory_id', 'role', 'name_id', 'session_index', 'sid', 'key', 'space')
         and attcollation <> 'pg_catalog."C"'::regcollation`);
    expect(rows).toEqual([]);
  });

  it('each say why they are there', async () => {
    for (const name of await readdir(OURS)) {
      expect(await readFile(join(OURS, name), 'utf8')).toMatch(/^-- Why: /);
    }
  });
});

describe('a migration that has run', () => {
  beforeEach(async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await migrate(database.pool, folder);
  });

  it.each([
    ['by a word', 'create table a (id bigint);'],
    ['by a blank', 'create table a (id int); '],
    ['by a comment', '-- Why: later\ncreate table a (id int);'],
    ['to nothing', ''],
  ])('may not be edited: %s', async (_how, sql) => {
    await write('0001_a.sql', sql);
    await write('0002_b.sql', 'create table b (id int);');
    for (const work of [migrate, migrationStatus]) {
      const error = await errorOf(work(database.pool, folder));
      expect(error.code).toBe('database.migration_changed');
      expect(error.message).toContain('0001_a.sql');
    }
    expect(await tables()).toEqual(['a', 'schema_migrations']);
    expect(await lockIsFree()).toBe(true);
  });

  it('may be renamed in what follows its number', async () => {
    await cp(join(folder, '0001_a.sql'), join(folder, '0001_other.sql'));
    await rm(join(folder, '0001_a.sql'));
    expect(await migrate(database.pool, folder)).toEqual([]);
  });

  it('may not be unknown to this version: an older version does not start', async () => {
    await write('0002_b.sql', 'create table b (id int);');
    await migrate(database.pool, folder);
    await rm(join(folder, '0002_b.sql'));
    for (const work of [migrate, migrationStatus]) {
      const error = await errorOf(work(database.pool, folder));
      expect(error.code).toBe('database.newer_schema');
      expect(error.message).toContain('0002_b.sql');
    }
    expect(await tables()).toEqual(['a', 'b', 'schema_migrations']);
  });

  it('is followed by those that are new, in their order', async () => {
    await write('0003_c.sql', 'insert into b values (3);');
    await write('0002_b.sql', 'create table b (id int);');
    expect(await migrationStatus(database.pool, folder)).toEqual({
      applied: ['0001_a.sql'],
      pending: ['0002_b.sql', '0003_c.sql'],
    });
    expect(await migrate(database.pool, folder)).toEqual(['0002_b.sql', '0003_c.sql']);
    expect(await query('select id from b')).toEqual([{ id: 3 }]);
  });
});

describe('a migration that fails', () => {
  beforeEach(async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await write('0002_b.sql', 'create table b (id int); insert into b values (1); select 1/0;');
    await write('0003_c.sql', 'create table c (id int);');
  });

  it('leaves nothing behind, keeps those before it, and runs none after it', async () => {
    const error = await errorOf(migrate(database.pool, folder));
    expect(error).toMatchObject({
      code: 'database.migration_failed',
      detail: { reason: 'division by zero' },
    });
    expect(error.message).toContain('0002_b.sql');
    expect(await tables()).toEqual(['a', 'schema_migrations']);
    expect(await migrationStatus(database.pool, folder)).toEqual({
      applied: ['0001_a.sql'],
      pending: ['0002_b.sql', '0003_c.sql'],
    });
    expect(await lockIsFree()).toBe(true);
  });

  it('runs once it is put right', async () => {
    await errorOf(migrate(database.pool, folder));
    await write('0002_b.sql', 'create table b (id int);');
    expect(await migrate(database.pool, folder)).toEqual(['0002_b.sql', '0003_c.sql']);
    expect(await tables()).toEqual(['a', 'b', 'c', 'schema_migrations']);
  });

  it('fails every instance that starts at once, and keeps none waiting', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => errorOf(migrate(database.pool, folder))),
    );
    expect(outcomes.map((error) => error.code)).toEqual(
      Array.from({ length: 4 }, () => 'database.migration_failed'),
    );
    expect(await lockIsFree()).toBe(true);
  });

  it('is told as such when the connection is lost in its midst, and leaves nothing', async () => {
    await write(
      '0002_b.sql',
      'create table b (id int); select pg_terminate_backend(pg_backend_pid());',
    );
    const error = await errorOf(migrate(database.pool, folder));
    expect(error.code).toBe('database.migration_failed');
    expect(await tables()).toEqual(['a', 'schema_migrations']);
    expect(await lockIsFree()).toBe(true);
  });
});

describe('the folder of migrations', () => {
  it.each([
    ['a gap', ['0001_a.sql', '0003_c.sql'], '0003_c.sql'],
    ['two of one number', ['0001_a.sql', '0001_b.sql'], '0001_b.sql'],
    ['one that begins with 2', ['0002_a.sql'], '0002_a.sql'],
    ['a name without a number', ['0001_a.sql', 'fix.sql'], 'fix.sql'],
    ['capital letters', ['0001_A.sql'], '0001_A.sql'],
  ])('may not have %s', async (_what, names, culprit) => {
    for (const name of names) await write(name, 'select 1;');
    const error = await errorOf(migrate(database.pool, folder));
    expect(error.code).toBe('database.migration_misnamed');
    expect(error.message).toContain(culprit);
    expect(await tables()).toEqual([]);
  });

  it('may have other files, which are left alone', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await write('README.md', 'nothing');
    expect(await migrate(database.pool, folder)).toEqual(['0001_a.sql']);
  });
});
