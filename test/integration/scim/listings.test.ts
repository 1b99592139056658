import { randomUUID } from 'node:crypto';
import type { ScimCall } from '@rollcall/jit-auth/scim/call';
import { answerInTime } from '@rollcall/jit-auth/scim/paging/bounded';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { foldCounts, placeOf } from '@rollcall/shared/db/scim-counts';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScim, type ScimScene } from '../../support/scim.ts';

const PEOPLE = 10_000;
let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
  // In blocks of 4,096, of which one has gaps and one is the other connection's.
  await insertPeople('acme', 1, 3_000);
  await insertPeople('globex', 3_001, 9_000);
  await insertPeople('acme', 9_001, 9_001 + PEOPLE - 3_001);
});
afterAll(() => scene.close());

async function insertPeople(connection: string, from: number, to: number): Promise<void> {
  const { pool } = scene.fresh;
  await pool.query(
    `insert into users (id, connection_id, subject, owner, state, state_changed_at, created_at)
     select md5(n::text)::uuid, $1, n::text, 'scim', 'active', now(), now()
       from generate_series($2::int, $3::int) as n`,
    [connection, from, to],
  );
  await pool.query(
    `insert into scim_users (user_id, connection_id, user_name_key, external_id, active, email_keys,
                             resource, search, created_at, modified_at)
     select md5(n::text)::uuid, $1, 'p' || n, n::text, true, array['p' || n || '@"x".example'],
            jsonb_build_object('userName', 'p' || n),
            jsonb_build_object('userName', 'p' || n, 'displayName', 'person ' || n || ' of ' || n % 7,
              'emails', jsonb_build_array(jsonb_build_object('value', 'p' || n || '@"x".example'))),
            now(), now()
       from generate_series($2::int, $3::int) as n order by n.n`,
    [connection, from, to],
  );
}

const page = async (query: string) => (await scene.acme.get(`/Users?${query}`)).body;
const nameAt = (index: number): string => `p${index <= 3_000 ? index : index + 6_000}`;

describe('a page by index', () => {
  it.each([1, 2_999, 3_000, 3_001, 5_000, 9_998, 10_000])('begins at %i exactly', async (index) => {
    const body = await page(`startIndex=${index}&count=3&attributes=userName`);
    const expected = [index, index + 1, index + 2].filter((one) => one <= PEOPLE).map(nameAt);
    expect(body).toMatchObject({ totalResults: PEOPLE, itemsPerPage: expected.length });
    expect(body.Resources.map(({ userName }: { userName: string }) => userName)).toEqual(expected);
  });

  it.each([10_001, 2_000_000])('is empty at %i, and says how many there are', async (index) => {
    const body = await page(`startIndex=${index}&count=3`);
    expect(body).toMatchObject({ totalResults: PEOPLE, itemsPerPage: 0, Resources: [] });
  });

  it('shifts by whoever is gone in front of it', async () => {
    await scene.acme.delete(`/Users/${await idOf('p9500')}`);
    expect(await page('startIndex=9999&count=5&attributes=userName')).toMatchObject({
      totalResults: PEOPLE - 1,
      Resources: [{ userName: nameAt(10_000) }],
    });
  });
});

async function idOf(userName: string): Promise<string> {
  return (await page(`filter=userName eq "${userName}"`)).Resources[0].id;
}

describe('the counts', () => {
  const acme = toConnectionId('acme');
  const counted = async (): Promise<number> =>
    Number(
      (await scene.fresh.pool.query("select count(*) from scim_users where connection_id = 'acme'"))
        .rows[0].count,
    );

  it('are exact while people come and go and others add the lines together', async () => {
    const come = Array.from({ length: 30 }, (_, index) => scene.acme.user(`come-${index}`));
    const go = Array.from({ length: 10 }, async (_, index) =>
      scene.acme.delete(`/Users/${await idOf(`p${9_600 + index}`)}`),
    );
    const fold = Array.from({ length: 10 }, () => foldCounts(scene.db));
    await Promise.all([...come, ...go, ...fold]);
    expect((await placeOf(scene.db, acme, 'User', 0)).total).toBe(await counted());
    await foldCounts(scene.db);
    expect((await placeOf(scene.db, acme, 'User', 0)).total).toBe(await counted());
  });

  it('are added together by whoever finds them long', async () => {
    const { pool } = scene.fresh;
    const lines = async (): Promise<number> =>
      Number((await pool.query('select count(*) from scim_counts')).rows[0].count);
    await pool.query(
      `insert into scim_counts (connection_id, kind, block, delta)
       select 'acme', 'User', 0, case n % 2 when 0 then 1 else -1 end from generate_series(1, 4000) as n`,
    );
    expect(await page('count=1')).toMatchObject({ totalResults: await counted() });
    await expect.poll(lines).toBeLessThan(100);
    expect(await page('count=1')).toMatchObject({ totalResults: await counted() });
  });
});

describe('parts of names', () => {
  it.each([
    ['userName co "P9999"', ['p9999']],
    ['userName ew "9998"', ['p9998']],
    ['displayName co "son 10001 of"', ['p10001']],
    ['displayName sw "person 1234"', ['p1234', 'p12340', 'p12341']],
    ['emails.value co "p10002@"', ['p10002']],
    ['emails co "p10003@\\"x"', ['p10003']],
    ['emails[value sw "p10004" and value ew "example"]', ['p10004']],
    ['userName co "p10005" or displayName co "son 10006"', ['p10005', 'p10006']],
    ['userName co "%9"', []],
  ])('are found: %s', async (filter, expected) => {
    const body = await page(`filter=${encodeURIComponent(filter)}&count=3&attributes=userName`);
    expect(body.Resources.map(({ userName }: { userName: string }) => userName)).toEqual(expected);
  });

  it('are found by an index', async () => {
    const { pool } = scene.fresh;
    await pool.query('analyze scim_users');
    const { rows } = await pool.query(
      "explain select from scim_users s where scim_names(s.search) like '%son 10001%'",
    );
    expect(JSON.stringify(rows)).toContain('scim_users_by_names');
  });

  it('have no index where Postgres has no trigrams, and one when they come later', async () => {
    const { pool } = scene.fresh;
    await pool.query('drop extension pg_trgm cascade');
    expect(await page('filter=userName co "p9999"&attributes=userName')).toMatchObject({
      totalResults: 1,
    });
    const { rows } = await pool.query('select index_scim_names() as made');
    expect(rows).toEqual([{ made: true }]);
  });
});

describe('a listing that takes too long', () => {
  const call = (): ScimCall => ({ db: scene.db }) as unknown as ScimCall;
  const sleep =
    (seconds: number) =>
    async ({ db }: ScimCall) => {
      await sql`select pg_sleep(${seconds})`.execute(db);
      return { status: 200, body: null };
    };

  it('is answered as too many, and never in part', async () => {
    await expect(answerInTime(call(), sleep(5), 20)).rejects.toMatchObject({
      status: 400,
      scimType: 'tooMany',
    });
  });

  it('waits for two others, and lets nobody wait in a queue without end', async () => {
    const many = Array.from({ length: 40 }, () => answerInTime(call(), sleep(0.01), 5_000));
    const answers = await Promise.allSettled(many);
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(6);
    expect(refused[0]).toMatchObject({ reason: { status: 429 } });
    expect(await answerInTime(call(), sleep(0), 5_000)).toMatchObject({ status: 200 });
  });

  it('keeps its limit to itself', async () => {
    await answerInTime(call(), sleep(0), 20);
    const { rows } = await sql<{ limit: string }>`
      select current_setting('statement_timeout') as limit, ${randomUUID()} as any`.execute(
      scene.db,
    );
    expect(rows[0]?.limit).toBe('0');
  });
});
