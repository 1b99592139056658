import { keepHouse } from '@rollcall/jit-auth/housekeeping';
import { createLog } from '@rollcall/shared/telemetry/log';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { until } from '../../support/service.ts';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

it('deletes requests that nobody finished, and no others', async () => {
  await fresh.pool.query(`
    insert into one_time (space, key, value, expires_at) values
      ('saml-request:demo', 'old', 'x', now() - interval '1 hour'),
      ('saml-request:demo', 'waiting', 'x', now() + interval '1 hour')`);
  const engine = { kind: 'postgres' as const, pool: fresh.pool, close: async () => undefined };
  const stop = keepHouse(engine, createLog('silent'), 20);
  const keys = async () => {
    const answer = await fresh.pool.query<{ key: string }>('select key from one_time');
    return answer.rows.map((row) => row.key);
  };
  await until('the old one to go', 5_000, async () => (await keys()).length === 1);
  expect(await keys()).toEqual(['waiting']);
  await stop();
});
