import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORE_USER, ENTERPRISE, ERROR, openScim, type ScimScene } from '../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

let count = 0;
const fresh = (): string => `user${count++}@acme.example`;
const body = (more: object = {}) => ({ schemas: [CORE_USER], userName: fresh(), ...more });

describe('POST /Users (RFC 7644 §3.3)', () => {
  it('answers 201 with the address of what was made', async () => {
    const {
      status,
      headers,
      body: made,
    } = await scene.acme.post('/Users', body({ displayName: 'Ada' }));
    expect(status).toBe(201);
    expect(headers.get('content-type')).toMatch(/^application\/scim\+json/);
    expect(headers.get('location')).toBe(made.meta.location);
    expect(headers.get('etag')).toBe(made.meta.version);
    expect(made).toMatchObject({
      schemas: [CORE_USER],
      displayName: 'Ada',
      active: true,
      meta: { resourceType: 'User' },
    });
    expect(made.meta.location).toBe(`${scene.url}/Users/${made.id}`);
    expect(Date.parse(made.meta.created)).toBeLessThanOrEqual(Date.now());
    expect((await scene.acme.get(`/Users/${made.id}`)).body).toEqual(made);
  });

  it('gives an id of its own and takes none', async () => {
    const { body: made } = await scene.acme.post(
      '/Users',
      body({ id: 'mine', meta: { version: 'mine' } }),
    );
    expect(made.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.meta.version).not.toBe('mine');
  });

  it('refuses a userName that is taken, whatever its case', async () => {
    const first = body();
    await scene.acme.post('/Users', first);
    const again = await scene.acme.post('/Users', {
      ...first,
      userName: first.userName.toUpperCase(),
    });
    expect(again).toMatchObject({
      status: 409,
      body: { schemas: [ERROR], status: '409', scimType: 'uniqueness' },
    });
  });

  it('refuses an externalId that is taken', async () => {
    await scene.acme.post('/Users', body({ externalId: 'e-taken' }));
    const again = await scene.acme.post('/Users', body({ externalId: 'e-taken' }));
    expect(again).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    expect((await scene.acme.post('/Users', body({ externalId: 'E-taken' }))).status).toBe(201);
  });

  it('keeps the extension of an employer, and names its schema', async () => {
    const { body: made } = await scene.acme.post(
      '/Users',
      body({ [ENTERPRISE]: { department: 'D', manager: { value: 'm' } } }),
    );
    expect(made.schemas).toEqual([CORE_USER, ENTERPRISE]);
    expect(made[ENTERPRISE]).toEqual({
      department: 'D',
      manager: { value: 'm', $ref: `${scene.url}/Users/m` },
    });
  });

  it('never returns a password, and keeps none', async () => {
    const { body: made, text } = await scene.acme.post(
      '/Users',
      body({ password: 'correct horse' }),
    );
    expect(text).not.toContain('correct horse');
    const { rows } = await scene.fresh.pool.query('select * from scim_users where user_id = $1', [
      made.id,
    ]);
    expect(JSON.stringify(rows)).not.toContain('correct horse');
  });

  it.each<[string, unknown, number, string | undefined]>([
    ['no JSON', '{', 400, 'invalidSyntax'],
    ['a text', '"x"', 400, 'invalidSyntax'],
    ['nothing', '', 400, 'invalidSyntax'],
    ['a list', [], 400, 'invalidSyntax'],
    ['no schemas', { userName: 'x' }, 400, 'invalidSyntax'],
    ['no userName', { schemas: [CORE_USER] }, 400, 'invalidValue'],
    [
      'a userName too long',
      { schemas: [CORE_USER], userName: 'x'.repeat(513) },
      400,
      'invalidValue',
    ],
    [
      'an externalId that is padded',
      { schemas: [CORE_USER], userName: 'pad', externalId: ' x' },
      400,
      'invalidValue',
    ],
    [
      'an externalId that is reserved',
      {
        schemas: [CORE_USER],
        userName: 'res',
        externalId: 'scim:00000000-0000-4000-8000-000000000000',
      },
      400,
      'invalidValue',
    ],
  ])('refuses %s', async (_name, sent, status, scimType) => {
    const answer = await scene.acme.post('/Users', sent);
    expect(answer).toMatchObject({
      status,
      body: { schemas: [ERROR], status: String(status), scimType },
    });
    expect(answer.body.detail).toMatch(/\(scim\.[a-z_]+, [0-9A-Z]{4}-[0-9A-Z]{6}\)$/);
  });
});

describe('PUT /Users/{id} (RFC 7644 §3.5.1)', () => {
  it('clears what is not named', async () => {
    const userName = fresh();
    const id = await scene.acme.user(userName, { title: 'Dr', emails: [{ value: 'a@b' }] });
    const put = await scene.acme.put(`/Users/${id}`, {
      schemas: [CORE_USER],
      id,
      userName,
      nickName: 'A',
    });
    expect(put.status).toBe(200);
    expect(put.body).toMatchObject({ nickName: 'A', active: true });
    expect(put.body).not.toHaveProperty('title');
    expect(put.body).not.toHaveProperty('emails');
  });

  it('lets nobody back in of whom it does not say that they are active', async () => {
    const userName = fresh();
    const id = await scene.acme.user(userName, { active: false });
    const put = await scene.acme.put(`/Users/${id}`, {
      schemas: [CORE_USER],
      userName,
      title: 'Dr',
    });
    expect(put.body).toMatchObject({ active: false, title: 'Dr' });
  });

  it('refuses the id of somebody else', async () => {
    const userName = fresh();
    const id = await scene.acme.user(userName);
    const put = await scene.acme.put(`/Users/${id}`, {
      schemas: [CORE_USER],
      id: 'other',
      userName,
    });
    expect(put).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
  });

  it('refuses a userName that is taken', async () => {
    const [taken, userName] = [fresh(), fresh()];
    await scene.acme.user(taken);
    const id = await scene.acme.user(userName);
    const put = await scene.acme.put(`/Users/${id}`, { schemas: [CORE_USER], userName: taken });
    expect(put).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
  });

  it('changes no version where it changes nothing', async () => {
    const userName = fresh();
    const id = await scene.acme.user(userName, { title: 'Dr' });
    const before = await scene.acme.get(`/Users/${id}`);
    const put = await scene.acme.put(`/Users/${id}`, before.body);
    expect(put.body).toEqual(before.body);
  });
});

describe('PATCH /Users/{id} (RFC 7644 §3.5.2)', () => {
  it('answers with the user as it is then', async () => {
    const id = await scene.acme.user(fresh());
    const patched = await scene.acme.patch(`/Users/${id}`, [
      { op: 'replace', path: 'title', value: 'Dr' },
    ]);
    expect(patched).toMatchObject({ status: 200, body: { id, title: 'Dr' } });
    expect(patched.headers.get('etag')).toBe(patched.body.meta.version);
    expect((await scene.acme.get(`/Users/${id}`)).body).toEqual(patched.body);
  });

  it('carries out all operations, or none', async () => {
    const id = await scene.acme.user(fresh(), { title: 'Dr' });
    const before = await scene.acme.get(`/Users/${id}`);
    const patched = await scene.acme.patch(`/Users/${id}`, [
      { op: 'replace', path: 'title', value: 'Prof' },
      { op: 'replace', path: 'active', value: false },
      { op: 'add', path: 'nonsense', value: 1 },
    ]);
    expect(patched).toMatchObject({ status: 400, body: { scimType: 'invalidPath' } });
    expect((await scene.acme.get(`/Users/${id}`)).body).toEqual(before.body);
  });

  it('loses none of many at once', async () => {
    const id = await scene.acme.user(fresh());
    const values = Array.from({ length: 20 }, (_, at) => `r${at}`);
    const answers = await Promise.all(
      values.map((value) =>
        scene.acme.patch(`/Users/${id}`, [{ op: 'add', path: 'roles', value: [{ value }] }]),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(values.map(() => 200));
    const { body: after } = await scene.acme.get(`/Users/${id}`);
    expect(after.roles.map(({ value }: { value: string }) => value).sort()).toEqual(values.sort());
  });
});

describe('DELETE /Users/{id} (RFC 7644 §3.6)', () => {
  it('answers 204, and the user is gone', async () => {
    const userName = fresh();
    const id = await scene.acme.user(userName);
    expect(await scene.acme.delete(`/Users/${id}`)).toMatchObject({ status: 204, text: '' });
    for (const method of ['GET', 'DELETE']) {
      expect(await scene.acme.send(method, `/Users/${id}`)).toMatchObject({
        status: 404,
        body: { status: '404' },
      });
    }
    expect((await scene.acme.patch(`/Users/${id}`, [])).status).toBe(404);
    expect(
      (await scene.acme.get(`/Users?filter=userName eq "${userName}"`)).body.totalResults,
    ).toBe(0);
    expect((await scene.acme.post('/Users', { schemas: [CORE_USER], userName })).status).toBe(201);
  });

  it('brings back the same user by the same externalId', async () => {
    const userName = fresh();
    const id = await scene.acme.user(userName, { externalId: 'e-back' });
    await scene.acme.delete(`/Users/${id}`);
    expect(await scene.acme.user(userName, { externalId: 'e-back' })).toBe(id);
    const { rows } = await scene.fresh.pool.query('select state, cause from users where id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ state: 'active', cause: null }]);
  });
});

describe('versions (RFC 7644 §3.14)', () => {
  it('refuses a change of what is another version by now', async () => {
    const id = await scene.acme.user(fresh());
    const { body: made } = await scene.acme.get(`/Users/${id}`);
    const first = await scene.acme.patch(
      `/Users/${id}`,
      [{ op: 'add', path: 'title', value: 'a' }],
      { 'if-match': made.meta.version },
    );
    expect(first.status).toBe(200);
    const change = [{ op: 'add', path: 'title', value: 'b' }];
    const stale = { 'if-match': made.meta.version };
    expect(await scene.acme.patch(`/Users/${id}`, change, stale)).toMatchObject({
      status: 412,
      body: { status: '412' },
    });
    expect((await scene.acme.put(`/Users/${id}`, made, stale)).status).toBe(412);
    expect((await scene.acme.delete(`/Users/${id}`, stale)).status).toBe(412);
    expect((await scene.acme.patch(`/Users/${id}`, change, { 'if-match': '*' })).status).toBe(200);
  });

  it('lets one of many through that know the same version', async () => {
    const id = await scene.acme.user(fresh());
    const { body: made } = await scene.acme.get(`/Users/${id}`);
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((value) =>
        scene.acme.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value }], {
          'if-match': made.meta.version,
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
  });

  it('sends nothing again that the client has', async () => {
    const id = await scene.acme.user(fresh());
    const { body: made } = await scene.acme.get(`/Users/${id}`);
    const again = await scene.acme.get(`/Users/${id}`, { 'if-none-match': made.meta.version });
    expect(again).toMatchObject({ status: 304, text: '' });
  });
});

describe('attributes and excludedAttributes (RFC 7644 §3.9)', () => {
  it.each<[string, string[]]>([
    ['attributes=userName', ['id', 'schemas', 'userName']],
    ['attributes=USERNAME,name.givenName', ['id', 'name', 'schemas', 'userName']],
    [`attributes=${ENTERPRISE}:department`, [ENTERPRISE, 'id', 'schemas'].sort()],
    [`attributes=${ENTERPRISE}`, [ENTERPRISE, 'id', 'schemas'].sort()],
    ['attributes=nonsense', ['id', 'schemas']],
    [`excludedAttributes=emails,name,meta,active,${ENTERPRISE}`, ['id', 'schemas', 'userName']],
    [
      'excludedAttributes=id,schemas,meta,emails,name,active,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
      ['id', 'schemas', 'userName'],
    ],
  ])('%s', async (query, names) => {
    const id = await scene.acme.user(fresh(), {
      name: { givenName: 'A', familyName: 'B' },
      emails: [{ value: 'a@b', type: 'work' }],
      [ENTERPRISE]: { department: 'D', division: 'E' },
    });
    for (const path of [`/Users/${id}?${query}`, `/Users?filter=id eq "${id}"&${query}`]) {
      const { status, body: got } = await scene.acme.get(path);
      expect(status).toBe(200);
      expect(Object.keys(got.Resources?.[0] ?? got).sort(), path).toEqual(names);
    }
  });

  it('takes parts of what is asked for', async () => {
    const id = await scene.acme.user(fresh(), {
      name: { givenName: 'A', familyName: 'B' },
      emails: [{ value: 'a@b', type: 'work' }],
      [ENTERPRISE]: { department: 'D', division: 'E' },
    });
    const only = await scene.acme.get(
      `/Users/${id}?attributes=name.givenName,emails.value,${ENTERPRISE}:department`,
    );
    expect(only.body).toMatchObject({
      name: { givenName: 'A' },
      emails: [{ value: 'a@b' }],
      [ENTERPRISE]: { department: 'D' },
    });
    expect(only.text).not.toMatch(/familyName|"work"|division/);
    const without = await scene.acme.get(
      `/Users/${id}?excludedAttributes=name.givenName,emails.type`,
    );
    expect(without.body).toMatchObject({ name: { familyName: 'B' }, emails: [{ value: 'a@b' }] });
    expect(without.text).not.toMatch(/givenName|"work"/);
  });
});
