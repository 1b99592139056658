import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORE_GROUP, CORE_USER, openScim, PATCH_OP, type ScimScene } from '../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
/** What takes longer than this blocks everybody else: some fifty times what it takes. */
const QUICK_MS = 3_000;

const search = (more: object) => scene.acme.post('/Users/.search', { schemas: [SEARCH], ...more });
const nested = (deep: number) => `${'['.repeat(deep)}"x"${']'.repeat(deep)}`;

async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; ms: number }> {
  const started = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - started };
}

describe('a body', () => {
  it('with lists in lists without end is refused, as any other value of the wrong type', async () => {
    const body = `{"schemas":["${CORE_USER}"],"userName":"nested","title":${nested(200_000)}}`;
    expect(await scene.acme.post('/Users', body)).toMatchObject({
      status: 400,
      body: { scimType: 'invalidValue' },
    });
  });

  it('names nobody by a number that JSON cannot hold', async () => {
    const body = `{"schemas":["${CORE_USER}"],"userName":"many","externalId":9007199254740993}`;
    expect((await scene.acme.post('/Users', body)).status).toBe(400);
    const small = `{"schemas":["${CORE_USER}"],"userName":"few","externalId":9007199254740991}`;
    expect((await scene.acme.post('/Users', small)).body.externalId).toBe('9007199254740991');
  });

  it.each<[string, string, string]>([
    ['POST', '/Users', `{"schemas":["${CORE_USER}"],"userName":"a\\u0000b"}`],
    ['POST', '/Users', `{"schemas":["${CORE_USER}"],"userName":"a\\ud800b"}`],
    ['POST', '/Groups', `{"schemas":["${CORE_GROUP}"],"displayName":"a\\u0000b"}`],
    [
      'POST',
      '/Groups',
      `{"schemas":["${CORE_GROUP}"],"displayName":"g","members":[{"value":"\\u0000"}]}`,
    ],
  ])('with characters that Postgres refuses is answered 400: %s %s %s', async (...request) => {
    expect((await scene.acme.send(...request)).status).toBe(400);
  });

  it('makes nobody so large that a page of them would be too much', async () => {
    const user = { schemas: [CORE_USER], userName: 'large', title: 'x'.repeat(200_000) };
    expect((await scene.acme.post('/Users', user)).status).toBe(400);
  });
});

describe('a bulk', () => {
  const first = `{"method":"POST","path":"/Users","bulkId":"a","data":{"schemas":["${CORE_USER}"],"userName":"bulk-first"}}`;

  it('tells what was carried out before an operation that nobody can read', async () => {
    const second = `{"method":"POST","path":"/Users","bulkId":"b","data":{"x":${nested(100_000)}}}`;
    const body = `{"schemas":["${BULK}"],"Operations":[${first},${second}]}`;
    const { status, body: answer } = await scene.acme.post('/Bulk', body);
    expect(status).toBe(200);
    expect(answer.Operations).toMatchObject([{ status: '201' }, { status: '400' }]);
  });

  it('tells what was carried out before a fault of ours, and begins nothing behind it', async () => {
    const made = (userName: string) => ({
      method: 'POST',
      path: '/Users',
      bulkId: userName,
      data: { schemas: [CORE_USER], userName },
    });
    await scene.fresh.pool.query(`
      create function break_down() returns trigger language plpgsql as $$
      begin
        if new.user_name_key = 'breaks' then raise exception 'broken' using errcode = 'XX000'; end if;
        return new;
      end $$;
      create trigger broken before insert on scim_users for each row execute function break_down()`);
    const Operations = ['before', 'breaks', 'behind'].map(made);
    const { body, text } = await scene.acme.post('/Bulk', { schemas: [BULK], Operations });
    await scene.fresh.pool.query('drop trigger broken on scim_users');
    expect(body.Operations).toMatchObject([
      { bulkId: 'before', status: '201' },
      { bulkId: 'breaks', status: '500' },
    ]);
    expect(text).not.toContain('XX000');
    expect(scene.logged.filter((line) => line.includes('"level":"error"'))).toHaveLength(1);
    const { body: found } = await scene.acme.get('/Users?filter=userName eq "behind"');
    expect(found.totalResults).toBe(0);
  });

  it('is no larger for a slash behind its address', async () => {
    const large = JSON.stringify({ schemas: [BULK], Operations: [], x: 'x'.repeat(1024 * 1024) });
    expect((await scene.acme.post('/Bulk/', large)).status).toBe(413);
  });
});

it.each<[string, object, number]>([
  ['a part of them', { op: 'replace', value: { 'members.value': 'ghost' } }, 400],
  ['what brackets select', { op: 'add', value: { 'members[value eq "g"]': { value: 'g' } } }, 400],
  ['a name twice', { op: 'add', value: { members: [], Members: [{ value: 'ghost' }] } }, 400],
  [
    'a URN beside the name',
    { op: 'add', value: { members: [], [`${CORE_GROUP}:members`]: [{ value: 'ghost' }] } },
    400,
  ],
])('a group never shows members that it does not have: %s', async (name, operation, status) => {
  const id = await scene.acme.group(`ghosts by ${name}`);
  const patch = { schemas: [PATCH_OP], Operations: [operation] };
  expect((await scene.acme.send('PATCH', `/Groups/${id}`, patch)).status).toBe(status);
  expect((await scene.acme.get(`/Groups/${id}`)).body.members).toBeUndefined();
});

it.each([{ filter: 5 }, { filter: ['userName eq "x"'] }, { filter: {} }, { cursor: 5 }])(
  'a search gives nobody for what it cannot read: %j',
  async (more) => {
    expect((await search(more)).status).toBe(400);
  },
);

describe('no request costs more than it says', () => {
  it('by names of attributes', async () => {
    for (const attributes of ['x,'.repeat(2_000_000), 'id,'.repeat(1_300_000)]) {
      const { answer, ms } = await timed(() => search({ attributes }));
      expect(answer.status).toBe(400);
      expect(ms).toBeLessThan(QUICK_MS);
    }
  });

  it('by values that many operations add', async () => {
    const id = await scene.acme.user('grows');
    const numbers = (from: number) =>
      Array.from({ length: 400 }, (_, index) => ({ value: `${from + index}` }));
    const add = (_: unknown, index: number) => {
      return { op: 'add', path: 'phoneNumbers', value: numbers(index * 400) };
    };
    const operations = Array.from({ length: 200 }, add);
    const { answer, ms } = await timed(() => scene.acme.patch(`/Users/${id}`, operations));
    expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect(ms).toBeLessThan(QUICK_MS);
  });

  it('by filters in paths', async () => {
    const phoneNumbers = Array.from({ length: 500 }, (_, index) => ({ value: `${index}` }));
    const id = await scene.acme.user('filtered', { phoneNumbers });
    const tests = Array.from({ length: 99 }, (_, index) => `value eq "x${index}"`);
    const path = `phoneNumbers[${tests.join(' or ')}]`;
    const paths = Array.from({ length: 1_000 }, () => ({ op: 'remove', path }));
    const names = Array.from({ length: 1_000 }, () => ({
      op: 'add',
      value: { [path]: { value: 'x0' } },
    }));
    for (const operations of [paths, names]) {
      const { answer, ms } = await timed(() => scene.acme.patch(`/Users/${id}`, operations));
      expect(answer).toMatchObject({ status: 400, body: { scimType: 'tooMany' } });
      expect(ms).toBeLessThan(QUICK_MS);
    }
  });
});

it('a line of the log names the token, which is its name and not its secret', async () => {
  await scene.acme.get('/Users?count=0');
  const line = scene.logged.findLast((one) => one.includes('"scim.request"'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({ connection: 'acme', token_name: 'test' });
});
