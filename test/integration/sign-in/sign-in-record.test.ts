import { keepHouse } from '@rollcall/jit-auth/housekeeping';
import { SignInRecord } from '@rollcall/jit-auth/sign-in-record';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { signInsOf } from '@rollcall/shared/db/connection-sign-ins';
import { type Database, openPool, overPool } from '@rollcall/shared/db/database';
import {
  findRefusal,
  REFUSALS_KEPT,
  REFUSALS_KEPT_MS,
  refusalsOf,
} from '@rollcall/shared/db/sign-in-refusals';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog } from '@rollcall/shared/telemetry/log';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { until } from '../../support/service.ts';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

const ACME = toConnectionId('acme');
const NOON = toEpochMs(Date.UTC(2026, 10, 25, 12));
const LONG_AGO = toEpochMs(0);

describe('the record of sign-ins', () => {
  let fresh: FreshDatabase;
  let db: Database;
  beforeAll(async () => {
    fresh = await freshDatabase();
    db = overPool(fresh.pool);
  });
  afterAll(() => fresh.drop());
  beforeEach(() => fresh.pool.query('truncate sign_in_refusals, connection_sign_ins'));

  function refuse(record: SignInRecord, code: string, times: number, at: EpochMs = NOON): void {
    for (let number = 1; number <= times; number++) {
      const detail = { expected: 'a', received: `b${number}` };
      const reference = `${code}-${number}`;
      record.refused({ connection: ACME, code, reference, detail }, after(at, number));
    }
  }

  it('writes a flood as one row, in one statement, and keeps the latest', async () => {
    const pool = openPool(fresh.url);
    const queries = countQueries(pool);
    const record = new SignInRecord(overPool(pool), createLog('silent'), 20);
    refuse(record, 'saml.not_xml', 5_000);
    await until('the first write', 5_000, async () => queries.count > 0);
    await record.close();
    expect(queries.count).toBe(1);
    await pool.end();
    const { rows } = await fresh.pool.query('select * from sign_in_refusals');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ code: 'saml.not_xml', count: '5000' });
    expect(rows[0].recent).toHaveLength(REFUSALS_KEPT);
    const [summary] = await refusalsOf(db, ACME, LONG_AGO);
    expect(summary).toMatchObject({
      code: 'saml.not_xml',
      count: 5_000,
      lastAt: NOON + 5_000,
      last: { reference: 'saml.not_xml-5000', expected: 'a', received: 'b5000' },
    });
  });

  it('adds up what several instances write at once, and keeps the latest of all', async () => {
    const records = Array.from({ length: 4 }, () => new SignInRecord(db, createLog('silent'), 5));
    const codes = ['saml.expired', 'saml.too_old', 'saml.not_xml'];
    for (let round = 0; round < 10; round++) {
      for (const [index, record] of records.entries()) {
        // Each in another order: rows must not be locked crosswise.
        for (const code of index % 2 === 0 ? codes : codes.toReversed()) refuse(record, code, 5);
        record.admitted(ACME, NOON, after(NOON, 700 + round));
      }
      await Promise.all(records.map((record) => record.close()));
    }
    const summaries = await refusalsOf(db, ACME, LONG_AGO);
    expect(summaries.map(({ code, count }) => [code, count])).toEqual(
      codes.toSorted().map((code) => [code, 200]),
    );
    expect((await signInsOf(db, ACME))?.clockOffsetsMs).toHaveLength(21);
  });

  it('finds a reference, and not another one', async () => {
    const record = new SignInRecord(db, createLog('silent'));
    refuse(record, 'saml.expired', 3);
    refuse(record, 'saml.too_old', 3);
    await record.close();
    expect(await findRefusal(db, 'saml.expired-2')).toEqual({
      connectionId: ACME,
      code: 'saml.expired',
      reference: 'saml.expired-2',
      at: NOON + 2,
      expected: 'a',
      received: 'b2',
    });
    expect(await findRefusal(db, 'saml.expired-9')).toBeNull();
  });

  it('keeps what strangers send short and harmless', async () => {
    const record = new SignInRecord(db, createLog('silent'));
    const detail = { expected: ['a', 'b'], received: `\u0000\u001b[2J\u202e${'x'.repeat(5000)}` };
    record.refused({ connection: ACME, code: 'saml.expired', reference: 'r', detail }, NOON);
    await record.close();
    const found = await findRefusal(db, 'r');
    expect(found?.expected).toBe('["a","b"]');
    expect(found?.received).toMatch(/^\\u\{0\}\\u\{1b\}\[2J\\u\{202e\}x+…$/);
    expect(found?.received?.length).toBeLessThan(310);
  });

  it('survives a database that fails: nothing throws, and nothing is counted twice or lost', async () => {
    const logged: string[] = [];
    const log = createLog('debug', { write: (line: string) => void logged.push(line) });
    const record = new SignInRecord(db, log, 10);
    await fresh.pool.query('alter table sign_in_refusals rename to elsewhere');
    refuse(record, 'saml.expired', 3);
    record.admitted(ACME, NOON, after(NOON, 250));
    await until('a failed write', 5_000, async () => logged.length > 0);
    refuse(record, 'saml.expired', 4);
    await fresh.pool.query('alter table elsewhere rename to sign_in_refusals');
    await record.close();
    expect((await refusalsOf(db, ACME, LONG_AGO))[0]).toMatchObject({ count: 7 });
    expect(await signInsOf(db, ACME)).toMatchObject({ clockOffsetsMs: [250] });
    expect(logged.filter((line) => line.includes('sign_in_record.failed'))).toHaveLength(1);
  });

  it('forgets what is older than a month', async () => {
    const record = new SignInRecord(db, createLog('silent'));
    const now = currentTime();
    refuse(record, 'saml.expired', 1, after(now, -REFUSALS_KEPT_MS - 2 * 86_400_000));
    refuse(record, 'saml.too_old', 1, after(now, -REFUSALS_KEPT_MS + 86_400_000));
    await record.close();
    const engine = { kind: 'postgres' as const, pool: fresh.pool, close: async () => undefined };
    const stop = keepHouse(engine, createLog('silent'), 10);
    const codes = async () => (await refusalsOf(db, ACME, LONG_AGO)).map(({ code }) => code);
    await until('the old one to go', 5_000, async () => (await codes()).length === 1);
    await stop();
    expect(await codes()).toEqual(['saml.too_old']);
  });
});

describe('a service that lets people in and refuses others', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  it('writes both down, with the reference that the person saw, by the time it stops', async () => {
    const db = overPool(stack.fresh.pool);
    const demo = toConnectionId('demo');
    const other = await stack.another();
    const login = `${stack.web.url}/saml/demo/login`;
    const visitor = new Visitor();
    const { fields } = await askIdp(visitor, login, ADA);
    await visitor.post(`${stack.web.url}/saml/demo/acs`, fields);
    const page = await visitor.postOnce(
      `${other.url}/saml/demo/acs`,
      new URLSearchParams({ SAMLResponse: '!' }),
    );
    const reference = /data-testid="reference">([^<]*)</.exec(page.text)?.[1] ?? '';
    const large = await fetch(`${other.url}/saml/demo/acs`, {
      method: 'POST',
      body: new URLSearchParams({ SAMLResponse: 'A'.repeat(1024 * 1024) }),
    });
    expect(large.status).toBe(413);
    await other.auth.close();
    await stack.web.auth.close();
    expect(await findRefusal(db, reference)).toMatchObject({ code: 'saml.bad_base64' });
    const { reference: second } = (await large.json()) as { reference: string };
    expect(await findRefusal(db, second)).toMatchObject({ code: 'http.body_too_large' });
    const signIns = await signInsOf(db, demo);
    const [offset = Number.NaN] = signIns?.clockOffsetsMs ?? [];
    expect(Math.abs(offset)).toBeLessThan(5_000);
  });
});

function countQueries(pool: pg.Pool): { count: number } {
  const counted = { count: 0 };
  pool.on('acquire', () => {
    counted.count++;
  });
  return counted;
}
