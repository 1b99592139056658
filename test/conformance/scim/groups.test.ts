import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORE_GROUP, openScim, type ScimScene } from '../../support/scim.ts';

let scene: ScimScene;
let ada = '';
let bob = '';
let carol = '';
beforeAll(async () => {
  scene = await openScim();
  ada = await scene.acme.user('ada', { displayName: 'Ada' });
  bob = await scene.acme.user('bob');
  carol = await scene.acme.user('carol');
});
afterAll(() => scene.close());

let count = 0;
const fresh = () => `Group ${count++}`;
const membersOf = async (id: string): Promise<string[]> => {
  const { body } = await scene.acme.get(`/Groups/${id}`);
  return (body.members ?? []).map(({ value }: { value: string }) => value);
};

describe('POST /Groups', () => {
  it('makes a group with its members, each once', async () => {
    const sent = {
      schemas: [CORE_GROUP],
      displayName: fresh(),
      externalId: 'g-1',
      members: [{ value: ada, display: 'Whatever' }, { value: ada }, { value: bob, type: 'User' }],
    };
    const { status, headers, body } = await scene.acme.post('/Groups', sent);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`${scene.url}/Groups/${body.id}`);
    expect(body).toMatchObject({
      schemas: [CORE_GROUP],
      externalId: 'g-1',
      meta: { resourceType: 'Group', version: headers.get('etag') },
    });
    expect(body.members).toEqual([
      { value: ada, $ref: `${scene.url}/Users/${ada}`, display: 'Ada', type: 'User' },
      { value: bob, $ref: `${scene.url}/Users/${bob}`, display: 'bob', type: 'User' },
    ]);
    const user = await scene.acme.get(`/Users/${ada}`);
    expect(user.body.groups).toContainEqual({
      value: body.id,
      $ref: `${scene.url}/Groups/${body.id}`,
      display: sent.displayName,
      type: 'direct',
    });
  });

  it.each<[string, () => object, number, string]>([
    ['no name', () => ({ schemas: [CORE_GROUP] }), 400, 'invalidValue'],
    ['no schema', () => ({ displayName: fresh() }), 400, 'invalidSyntax'],
    [
      'a name that is taken',
      () => ({ schemas: [CORE_GROUP], displayName: 'TAKEN' }),
      409,
      'uniqueness',
    ],
    [
      'a member who is nobody',
      () => ({
        schemas: [CORE_GROUP],
        displayName: fresh(),
        members: [{ value: ada }, { value: '2819c223-7f76-453a-919d-413861904646' }],
      }),
      400,
      'invalidValue',
    ],
    [
      'a member who is no id',
      () => ({ schemas: [CORE_GROUP], displayName: fresh(), members: [{ value: 'ada' }] }),
      400,
      'invalidValue',
    ],
    [
      'a group in a group',
      () => ({
        schemas: [CORE_GROUP],
        displayName: fresh(),
        members: [{ value: ada, type: 'Group' }],
      }),
      400,
      'invalidValue',
    ],
  ])('refuses %s, and makes nothing', async (_name, body, status, scimType) => {
    await scene.acme.post('/Groups', { schemas: [CORE_GROUP], displayName: 'Taken' });
    const before = (await scene.acme.get('/Groups?count=0')).body.totalResults;
    expect(await scene.acme.post('/Groups', body())).toMatchObject({ status, body: { scimType } });
    expect((await scene.acme.get('/Groups?count=0')).body.totalResults).toBe(before);
  });
});

describe('PATCH /Groups/{id}', () => {
  it.each<[string, () => object[], () => string[]]>([
    [
      'add',
      () => [{ op: 'add', path: 'members', value: [{ value: carol }] }],
      () => [ada, bob, carol],
    ],
    [
      'add of one who is there',
      () => [{ op: 'add', path: 'members', value: [{ value: ada }] }],
      () => [ada, bob],
    ],
    [
      'add without a path',
      () => [{ op: 'add', value: { members: [{ value: carol }] } }],
      () => [ada, bob, carol],
    ],
    [
      'remove by a filter',
      () => [{ op: 'remove', path: `members[value eq "${ada}"]` }],
      () => [bob],
    ],
    [
      'remove of two by a filter',
      () => [{ op: 'remove', path: `members[value eq "${ada}" or value eq "${bob}"]` }],
      () => [],
    ],
    [
      'remove by a filter of names',
      () => [{ op: 'remove', path: 'members[display eq "ADA"]' }],
      () => [bob],
    ],
    [
      'remove by a list',
      () => [{ op: 'Remove', path: 'members', value: [{ value: bob, $ref: null }] }],
      () => [ada],
    ],
    [
      'remove of one who is none',
      () => [{ op: 'remove', path: `members[value eq "${carol}"]` }],
      () => [ada, bob],
    ],
    ['remove of nobody', () => [{ op: 'remove', path: 'members', value: [] }], () => [ada, bob]],
    ['remove of everybody', () => [{ op: 'remove', path: 'members' }], () => []],
    [
      'replace',
      () => [{ op: 'replace', path: 'members', value: [{ value: carol }, { value: ada }] }],
      () => [ada, carol],
    ],
    ['replace by nobody', () => [{ op: 'replace', path: 'members', value: [] }], () => []],
    [
      'several, in their order',
      () => [
        { op: 'remove', path: 'members' },
        { op: 'add', path: 'members', value: [{ value: carol }] },
      ],
      () => [carol],
    ],
    ['nothing', () => [], () => [ada, bob]],
  ])('%s', async (_name, operations, left) => {
    const id = await scene.acme.group(fresh(), [ada, bob]);
    const { status, text } = await scene.acme.patch(`/Groups/${id}`, operations());
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(await membersOf(id)).toEqual(left());
  });

  it('renames, whatever id comes along', async () => {
    const id = await scene.acme.group(fresh(), [ada]);
    const name = fresh();
    const { status, body } = await scene.acme.patch(`/Groups/${id}?attributes=displayName`, [
      { op: 'replace', value: { id, displayName: name } },
    ]);
    expect({ status, body }).toMatchObject({ status: 200, body: { id, displayName: name } });
    expect(await membersOf(id)).toEqual([ada]);
  });

  it('carries out all, or nothing', async () => {
    const id = await scene.acme.group(fresh(), [ada]);
    const { status } = await scene.acme.patch(`/Groups/${id}`, [
      { op: 'replace', path: 'displayName', value: fresh() },
      { op: 'add', path: 'members', value: [{ value: bob }] },
      { op: 'add', path: 'members', value: [{ value: '2819c223-7f76-453a-919d-413861904646' }] },
    ]);
    expect(status).toBe(400);
    expect(await membersOf(id)).toEqual([ada]);
  });

  it('loses none of many at once', async () => {
    const id = await scene.acme.group(fresh());
    const people = await Promise.all(
      Array.from({ length: 12 }, (_, at) => scene.acme.user(`many-${at}`)),
    );
    await Promise.all(
      people.map((value) =>
        scene.acme.patch(`/Groups/${id}`, [{ op: 'add', path: 'members', value: [{ value }] }]),
      ),
    );
    expect((await membersOf(id)).sort()).toEqual([...people].sort());
  });

  it.each<[string, () => object[], string]>([
    [
      'a member who is nobody',
      () => [{ op: 'add', path: 'members', value: [{ value: 'x' }] }],
      'invalidValue',
    ],
    [
      'a member that is changed',
      () => [{ op: 'replace', path: `members[value eq "${ada}"].value`, value: bob }],
      'mutability',
    ],
    ['a name that goes', () => [{ op: 'remove', path: 'displayName' }], 'mutability'],
    ['a path that is none', () => [{ op: 'add', path: 'nonsense', value: 'x' }], 'invalidPath'],
    ['a filter that is none', () => [{ op: 'remove', path: 'members[x eq "y"]' }], 'invalidFilter'],
  ])('refuses %s', async (_name, operations, scimType) => {
    const id = await scene.acme.group(fresh(), [ada]);
    expect(await scene.acme.patch(`/Groups/${id}`, operations())).toMatchObject({
      status: 400,
      body: { scimType },
    });
  });
});

describe('PUT and DELETE /Groups/{id}', () => {
  it('PUT sets name and members anew', async () => {
    const id = await scene.acme.group(fresh(), [ada], { externalId: 'e' });
    const put = await scene.acme.put(`/Groups/${id}`, {
      schemas: [CORE_GROUP],
      id,
      displayName: fresh(),
      members: [{ value: bob }],
    });
    expect(put.status).toBe(200);
    expect(put.body.members.map(({ value }: { value: string }) => value)).toEqual([bob]);
    expect(put.body).not.toHaveProperty('externalId');
    await scene.acme.put(`/Groups/${id}`, { schemas: [CORE_GROUP], displayName: fresh() });
    expect(await membersOf(id)).toEqual([]);
  });

  it('DELETE takes the group, and nobody with it', async () => {
    const id = await scene.acme.group(fresh(), [ada]);
    expect((await scene.acme.delete(`/Groups/${id}`)).status).toBe(204);
    expect((await scene.acme.get(`/Groups/${id}`)).status).toBe(404);
    expect((await scene.acme.delete(`/Groups/${id}`)).status).toBe(404);
    expect((await scene.acme.get(`/Users/${ada}`)).status).toBe(200);
  });

  it('a deleted user is a member no more', async () => {
    const gone = await scene.acme.user('gone');
    const id = await scene.acme.group(fresh(), [ada, gone]);
    await scene.acme.delete(`/Users/${gone}`);
    expect(await membersOf(id)).toEqual([ada]);
  });

  it('refuses what is another version by now', async () => {
    const id = await scene.acme.group(fresh());
    const { body } = await scene.acme.get(`/Groups/${id}`);
    const stale = { 'if-match': body.meta.version };
    await scene.acme.patch(
      `/Groups/${id}`,
      [{ op: 'add', path: 'members', value: [{ value: ada }] }],
      stale,
    );
    expect((await scene.acme.patch(`/Groups/${id}`, [], stale)).status).toBe(412);
    expect((await scene.acme.delete(`/Groups/${id}`, stale)).status).toBe(412);
  });
});

it('takes ten thousand members, and then one more, without a second of thought', async () => {
  await scene.fresh.pool.query(`
    with made as (
      insert into users (id, connection_id, subject, owner, state, state_changed_at, created_at)
      select gen_random_uuid(), 'acme', 'bulk-' || n, 'scim', 'active', now(), now() from generate_series(1, 10000) n
      returning id, subject)
    insert into scim_users (user_id, connection_id, user_name_key, active, email_keys, resource, search, created_at, modified_at)
    select id, 'acme', subject, true, '{}', json_build_object('userName', subject), json_build_object('userName', subject), now(), now() from made`);
  const { rows } = await scene.fresh.pool.query(
    "select user_id from scim_users where user_name_key like 'bulk-%'",
  );
  // Its members get a role: that is the dear case.
  const id = await scene.acme.group(
    'BI-Analysts',
    rows.map(({ user_id }) => user_id),
  );
  const { rows: grants } = await scene.fresh.pool.query(
    "select count(*)::int as count from grants where role = 'analyst'",
  );
  expect(grants[0].count).toBe(10_000);
  const before = performance.now();
  await scene.acme.patch(`/Groups/${id}`, [
    { op: 'add', path: 'members', value: [{ value: ada }] },
  ]);
  expect(performance.now() - before).toBeLessThan(2_000);
  const { body } = await scene.acme.get(
    `/Groups?filter=displayName eq "bi-analysts"&excludedAttributes=members`,
  );
  expect(body.totalResults).toBe(1);
});
