import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CORE_GROUP,
  CORE_USER,
  ENTERPRISE,
  ERROR,
  LIST,
  openScim,
  type ScimScene,
} from '../../support/scim.ts';

const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim({ allowance: { perToken: 10_000, badPerAddress: 40, windowSeconds: 60 } });
});
afterAll(() => scene.close());

describe('what the service says of itself (RFC 7643 §5 to §7)', () => {
  it('ServiceProviderConfig', async () => {
    const { status, body } = await scene.acme.get('/ServiceProviderConfig');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 100, maxPayloadSize: 1_048_576 },
      filter: { supported: true, maxResults: 1000 },
      sort: { supported: true },
      etag: { supported: true },
      changePassword: { supported: false },
      pagination: {
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        cursorTimeout: 3600,
      },
    });
    expect(body.authenticationSchemes[0].type).toBe('oauthbearertoken');
  });

  it('ResourceTypes', async () => {
    const { body } = await scene.acme.get('/ResourceTypes');
    expect(body).toMatchObject({ schemas: [LIST], totalResults: 2 });
    expect(body.Resources[0]).toMatchObject({
      id: 'User',
      endpoint: '/Users',
      schema: CORE_USER,
      schemaExtensions: [{ schema: ENTERPRISE, required: false }],
    });
    expect((await scene.acme.get('/ResourceTypes/Group')).body).toEqual(body.Resources[1]);
  });

  it('Schemas, whole and with every characteristic', async () => {
    const { body } = await scene.acme.get('/Schemas');
    expect(body.Resources.map(({ id }: { id: string }) => id)).toEqual([
      CORE_USER,
      ENTERPRISE,
      CORE_GROUP,
    ]);
    const characteristics = [
      'name',
      'type',
      'multiValued',
      'description',
      'required',
      'caseExact',
      'mutability',
      'returned',
      'uniqueness',
    ];
    const check = (attribute: Record<string, unknown>): void => {
      expect(Object.keys(attribute), String(attribute.name)).toEqual(
        expect.arrayContaining(characteristics),
      );
      expect('subAttributes' in attribute).toBe(attribute.type === 'complex');
      for (const sub of (attribute.subAttributes ?? []) as Record<string, unknown>[]) check(sub);
    };
    for (const { attributes } of body.Resources)
      for (const attribute of attributes) check(attribute);
    expect((await scene.acme.get(`/Schemas/${ENTERPRISE}`)).body).toEqual(body.Resources[1]);
    expect((await scene.acme.get('/Schemas/urn:x')).status).toBe(404);
  });

  it.each(['/Schemas', '/ResourceTypes'])('%s is not filtered', async (path) => {
    expect(await scene.acme.get(`${path}?filter=name eq "User"`)).toMatchObject({
      status: 403,
      body: { schemas: [ERROR] },
    });
  });

  it('says where it is', async () => {
    const answer = await fetch(`${new URL(scene.url).origin}/.well-known/scim-configuration`);
    expect(await answer.json()).toMatchObject({ scim_base_url: scene.url });
  });
});

describe('addresses and methods', () => {
  it.each<[string, string, number]>([
    ['GET', '/', 404],
    ['GET', '/Nothing', 404],
    ['GET', '/users', 404],
    ['GET', '/Users/a/b', 404],
    ['GET', '//[', 404],
    ['GET', '/Users/not-an-id', 404],
    ['GET', '/Users/2819c223-7f76-453a-919d-413861904646', 404],
    ['GET', '/Users/%00', 404],
    ['GET', '/Users/%zz', 404],
    ['GET', '/__proto__', 404],
    ['GET', '/constructor', 404],
    ['DELETE', '/Users', 405],
    ['PUT', '/Groups', 405],
    ['POST', '/ServiceProviderConfig', 405],
    ['DELETE', '/Schemas', 405],
    ['GET', '/Bulk', 405],
    ['GET', '/Me', 501],
    ['PATCH', '/Me', 501],
  ])('%s %s', async (method, path, status) => {
    const answer = await scene.acme.send(method, path);
    expect(answer).toMatchObject({ status, body: { schemas: [ERROR], status: String(status) } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/);
  });
});

describe('bodies', () => {
  it('takes application/json, and no other type', async () => {
    const send = (type: string, userName: string) =>
      scene.acme.send('POST', '/Users', JSON.stringify({ schemas: [CORE_USER], userName }), {
        'content-type': type,
      });
    expect((await send('application/json', 'plain')).status).toBe(201);
    expect((await send('application/scim+json; charset=utf-8', 'utf8')).status).toBe(201);
    expect(await send('text/plain', 'text')).toMatchObject({
      status: 415,
      body: { status: '415' },
    });
    expect((await send('application/x-www-form-urlencoded', 'form')).status).toBe(415);
  });

  it('refuses one that is too large', async () => {
    const body = JSON.stringify({
      schemas: [CORE_USER],
      userName: 'large',
      title: 'x'.repeat(4 * 1024 * 1024),
    });
    expect(await scene.acme.post('/Users', body)).toMatchObject({
      status: 413,
      body: { scimType: 'tooMany' },
    });
    const bulk = JSON.stringify({ schemas: [BULK], Operations: [], x: 'x'.repeat(1024 * 1024) });
    expect((await scene.acme.post('/Bulk', bulk)).status).toBe(413);
  });

  it('is not shaken by what is nested a hundred thousand deep', async () => {
    const body = `{"schemas":["${CORE_USER}"],"userName":"deep","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect([201, 400]).toContain((await scene.acme.post('/Users', body)).status);
  });
});

describe('POST /Bulk (RFC 7644 §3.7)', () => {
  const bulk = (operations: object[], more: object = {}) =>
    scene.acme.post('/Bulk', { schemas: [BULK], Operations: operations, ...more });
  const user = (userName: string) => ({ schemas: [CORE_USER], userName });

  it('makes a user and a group that has them', async () => {
    const { status, body } = await bulk([
      { method: 'POST', path: '/Users', bulkId: 'u', data: user('bulk-1') },
      {
        method: 'POST',
        path: '/Groups',
        bulkId: 'g',
        data: { schemas: [CORE_GROUP], displayName: 'Bulk', members: [{ value: 'bulkId:u' }] },
      },
    ]);
    expect(status).toBe(200);
    expect(body.Operations).toMatchObject([
      { method: 'POST', bulkId: 'u', status: '201' },
      { method: 'POST', bulkId: 'g', status: '201' },
    ]);
    const group = await scene.acme.get(
      new URL(body.Operations[1].location).pathname.replace('/scim/v2', ''),
    );
    expect(group.body.members[0].$ref).toBe(body.Operations[0].location);
  });

  it('goes on after an error, up to failOnErrors', async () => {
    const twice = [
      { method: 'POST', path: '/Users', bulkId: 'a', data: user('bulk-1') },
      { method: 'PATCH', path: '/Users/nobody', data: { Operations: [] } },
      { method: 'POST', path: '/Users', bulkId: 'c', data: user('bulk-3') },
    ];
    const { body } = await bulk(twice);
    expect(body.Operations.map(({ status }: { status: string }) => status)).toEqual([
      '409',
      '404',
      '201',
    ]);
    expect(body.Operations[0].response).toMatchObject({ schemas: [ERROR], scimType: 'uniqueness' });
    const stopped = await bulk(twice, { failOnErrors: 1 });
    expect(stopped.body.Operations).toHaveLength(1);
  });

  it('says so where a bulkId names nothing', async () => {
    const { body } = await bulk([{ method: 'DELETE', path: '/Users/bulkId:nobody' }]);
    expect(body.Operations[0]).toMatchObject({ status: '409' });
  });

  it.each<[string, object, number]>([
    [
      'more operations than announced',
      { Operations: Array.from({ length: 101 }, () => ({ method: 'DELETE', path: '/Users/x' })) },
      413,
    ],
    ['no operations', {}, 400],
    ['a method that is none', { Operations: [{ method: 'GET', path: '/Users' }] }, 400],
    ['POST without a bulkId', { Operations: [{ method: 'POST', path: '/Users', data: {} }] }, 400],
  ])('refuses %s', async (_name, more, status) => {
    expect((await scene.acme.post('/Bulk', { schemas: [BULK], ...more })).status).toBe(status);
  });

  it('does not lead into itself', async () => {
    const { body } = await bulk([
      { method: 'POST', path: '/Bulk', bulkId: 'b', data: { schemas: [BULK], Operations: [] } },
    ]);
    expect(body.Operations[0]).toMatchObject({ status: '400' });
  });
});

describe('tokens', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['none', async () => '', 'missing'],
    ['one that is unknown', async () => 'rollcall_scim_x', 'unknown'],
    ['one that has expired', () => scene.token('acme', { expiresAt: 1 as never }), 'expired'],
    [
      'one of another network',
      () => scene.token('acme', { networks: ['203.0.113.0/24'] }),
      'other_network',
    ],
  ])('refuses %s, and tells only the log why', async (_name, secret, why) => {
    const answer = await scene.client(await secret()).get('/Users');
    expect(answer).toMatchObject({ status: 401, body: { schemas: [ERROR], status: '401' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(answer.text).not.toMatch(/expired|network|unknown/);
    expect(scene.logged.at(-2) ?? '').toContain(`"why":"${why}"`);
  });

  it('refuses one that was revoked at the next request', async () => {
    const client = scene.client(await scene.token('acme', { name: 'soon' }));
    expect((await client.get('/Users?count=0')).status).toBe(200);
    await scene.fresh.pool.query(
      "update scim_tokens set revoked_at = now(), revoked_by = 'x' where name = 'soon'",
    );
    expect((await client.get('/Users?count=0')).status).toBe(401);
  });

  it('refuses one of a connection that takes no SCIM', async () => {
    const client = scene.client(await scene.token('jit'));
    expect(await client.get('/Users')).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('scim.not_provisioned') },
    });
  });

  it('takes one from its own network, and keeps when it was used', async () => {
    const client = scene.client(
      await scene.token('acme', { name: 'local', networks: ['127.0.0.0/8', '::1'] }),
    );
    expect((await client.get('/Users?count=0')).status).toBe(200);
    const { rows } = await scene.fresh.pool.query(
      "select last_used_at, last_used_from from scim_tokens where name = 'local'",
    );
    expect(rows[0].last_used_from).toMatch(/127\.0\.0\.1|::1/);
    expect(Date.now() - rows[0].last_used_at.getTime()).toBeLessThan(60_000);
  });

  it('shows one connection nothing of another', async () => {
    const id = await scene.acme.user('private', { externalId: 'p-1' });
    const group = await scene.acme.group('Private', [id]);
    const globex = scene.client(await scene.token('globex'));
    for (const path of [`/Users/${id}`, `/Groups/${group}`]) {
      expect((await globex.get(path)).status).toBe(404);
      expect(
        (await globex.patch(path, [{ op: 'replace', path: 'displayName', value: 'x' }])).status,
      ).toBe(404);
      expect((await globex.delete(path)).status).toBe(404);
    }
    expect((await globex.get('/Users?filter=userName eq "private"')).body.totalResults).toBe(0);
    expect(
      await globex.post('/Groups', {
        schemas: [CORE_GROUP],
        displayName: 'Mine',
        members: [{ value: id }],
      }),
    ).toMatchObject({ status: 400 });
    expect(
      (
        await globex.post('/Users', {
          schemas: [CORE_USER],
          userName: 'private',
          externalId: 'p-1',
        })
      ).status,
    ).toBe(201);
  });

  it('writes no secret and no body into the log', async () => {
    const secret = await scene.token('acme', { name: 'quiet' });
    await scene
      .client(secret)
      .post('/Users', { schemas: [CORE_USER], userName: 'logged', title: 'very private' });
    await scene.client(secret).get('/Users?filter=title eq "very private"');
    const log = scene.logged.join('\n');
    expect(log).toContain('"event":"scim.request"');
    expect(log).not.toContain(secret);
    expect(log).not.toContain('very private');
  });

  it('lets an address wait that has brought too many bad ones', async () => {
    const client = scene.client('rollcall_scim_bad');
    let last = await client.get('/Users');
    for (let at = 0; at < 50 && last.status === 401; at++) last = await client.get('/Users');
    expect(last).toMatchObject({ status: 429, body: { status: '429' } });
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
