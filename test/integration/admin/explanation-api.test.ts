import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { adminRoutes } from '@rollcall/jit-auth/http/admin-routes';
import { rememberTokens, tokenIn } from '@rollcall/jit-auth/http/admin-token';
import { validateConfig } from '@rollcall/shared/config/load';
import { findUserBySubject } from '@rollcall/shared/db/users';
import { explainUser } from '@rollcall/shared/explanation/explain-user';
import { explanationToJson } from '@rollcall/shared/explanation/explanation-json';
import { createLog } from '@rollcall/shared/telemetry/log';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACME, admit, at, openScene, type Scene } from '../access/people.ts';

const TOKENS = [
  'first-token-of-the-admin-api-0123456789',
  'second-token-of-the-admin-api-123456789',
];
const CONFIG = validateConfig({
  version: 1,
  public_url: 'https://auth.example.com',
  session: { keys: ['env:K'] },
  connections: [
    {
      id: 'acme',
      idp: { metadata_url: 'https://idp.example/metadata' },
      subject: { attribute: 'uid' },
      attributes: { groups: ['groups'] },
      group_aliases: { editors: 'The editors' },
    },
  ],
  roles: [
    { role: 'analyst', when: { any_group: ['analysts'] } },
    { role: 'editor', when: { any_group: ['others'] } },
  ],
});

let scene: Scene;
let server: Server;
let base: string;
beforeAll(async () => {
  scene = await openScene();
  const app = express();
  const log = createLog('silent');
  app.use(adminRoutes({ db: scene.db, config: CONFIG, tokens: rememberTokens(TOKENS), log }));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/api/v1`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await scene.drop();
});

function ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${base}${path}`, { headers });
}

const bearer = (token = TOKENS[0]) => ({ authorization: `Bearer ${token}` });

async function audited(): Promise<{ user_id: string | null; actor: { name: string } }[]> {
  const sql = `select user_id, actor from audit_events where kind = 'explanation.read' order by id`;
  return (await scene.pool.query(sql)).rows;
}

describe('GET /admin/api/v1/users/{id}/explanation', () => {
  it('answers as explain --json does, and writes down who asked', async () => {
    const { user } = await admit(scene, 'ada', ['analyst', 'editor'], 0);
    const before = (await audited()).length;
    const answer = await ask(`/users/${user.id}/explanation`, bearer(TOKENS[1]));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();
    const body = await answer.json();
    const known = await findUserBySubject(scene.db, ACME, user.subject);
    if (known === null) throw new Error('expected a user');
    const explanation = await explainUser(scene.db, CONFIG, known, at(10));
    expect({ ...body, live_sessions: 0 }).toEqual(
      JSON.parse(JSON.stringify({ ...explanationToJson(explanation), live_sessions: 0 })),
    );
    expect(body).toMatchObject({
      next_sign_in: { roles: ['analyst'], gain: [], lose: ['editor'] },
      aliases: [{ group: 'editors', alias: 'The editors' }],
    });
    const rows = await audited();
    expect(rows).toHaveLength(before + 1);
    expect(rows.at(-1)).toMatchObject({
      user_id: user.id,
      actor: { kind: 'operator', name: expect.stringMatching(/^admin token [0-9a-f]{8}$/) },
    });
    expect(JSON.stringify(rows)).not.toContain(TOKENS[1]);
  });

  it.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['another token', bearer('third-token-of-the-admin-api-0123456789')],
    ['an empty token', { authorization: 'Bearer ' }],
    ['a longer token', bearer(`${TOKENS[0]}x`)],
    ['the token in another scheme', { authorization: `Basic ${TOKENS[0]}` }],
    ['the token in a cookie', { cookie: `token=${TOKENS[0]}; authorization=Bearer ${TOKENS[0]}` }],
    ['a browser that wants a page', { accept: 'text/html' }],
  ])('refuses %s', async (_name, headers) => {
    const before = (await audited()).length;
    const answer = await ask('/users/00000000-0000-4000-8000-000000000000/explanation', headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="rollcall"');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ status: 401, code: 'admin.token_required' });
    expect(await audited()).toHaveLength(before);
  });

  it.each(['00000000-0000-4000-8000-000000000000', 'ada@acme.example', '%00', "x'--"])(
    'knows nobody called %s, and writes that down too',
    async (id) => {
      const before = (await audited()).length;
      const answer = await ask(`/users/${id}/explanation`, bearer());
      expect([answer.status, (await answer.json()).code]).toEqual([404, 'user.unknown']);
      expect(await audited()).toHaveLength(before + 1);
    },
  );

  it('has nothing else yet', async () => {
    expect((await ask('/users', bearer())).status).toBe(404);
    expect((await ask('/users')).status).toBe(401);
  });

  it('makes an address wait that asks too much', async () => {
    const answers = await Promise.all(Array.from({ length: 130 }, () => ask('/users')));
    const late = answers.filter(({ status }) => status === 429);
    expect(late.length).toBeGreaterThan(0);
    expect(Number(late[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

it('a token is found by its hash, whichever it is', () => {
  const tokens = rememberTokens(TOKENS);
  for (const [index, token] of TOKENS.entries()) {
    expect(tokenIn(`bearer   ${token}`, tokens)).toBe(tokens[index]);
  }
  expect(tokenIn(undefined, tokens)).toBeNull();
  expect(tokenIn('Bearer', rememberTokens([]))).toBeNull();
});
