import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type JitAuth, jitAuth } from '@rollcall/jit-auth';
import { createLog } from '@rollcall/shared/telemetry/log';
import express, { type RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { formOf, Visitor } from '../../support/visitor.ts';

const require = createRequire(new URL('../../../packages/jit-auth/src/plugin.ts', import.meta.url));
const session = require('express-session') as (options: object) => RequestHandler;

/** Host apps have sessions, parsers and settings of their own. */
describe('a host app with habits of its own', () => {
  let stack: Stack;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    stack = await startStack();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(() => stack.close());

  async function serve(build: (auth: JitAuth) => RequestListener): Promise<string> {
    const log = createLog('silent');
    const auth = await jitAuth(stack.config, { env: stack.env, log });
    const server = createServer(build(auth));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await auth.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('keeps the sign-in out of the session of the host, with its weaker cookie', async () => {
    const url = await serve((auth) => {
      const app = express();
      const cookie = { httpOnly: false, maxAge: 30 * 24 * 3_600_000 };
      app.use(
        session({ name: 'host', secret: 'x', resave: false, saveUninitialized: true, cookie }),
      );
      app.use(auth.router);
      return app;
    });
    const visitor = new Visitor();
    const idp = new Visitor();
    const first = await fetch(`${url}/saml/demo/login`, { redirect: 'manual' });
    for (const cookie of first.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split(/=(.*)/s);
      visitor.plant(url, name, value);
    }
    const chooser = formOf(await idp.get(first.headers.get('location') ?? ''));
    const form = formOf(await idp.post(chooser.action, { ...chooser.fields, person: ADA }));
    const body = new URLSearchParams(form.fields);
    const done = await visitor.postOnce(`${url}/saml/demo/acs`, body);
    expect(done.status).toBe(303);
    const cookies = done.headers.getSetCookie();
    expect(cookies.find((cookie) => cookie.startsWith('rollcall='))).toMatch(/HttpOnly/);
  });

  it('calls a bad return_to bad, however the host parses queries', async () => {
    const url = await serve((auth) => {
      const app = express();
      app.set('query parser', 'extended');
      return app.use(auth.router).use(auth.errors);
    });
    const answer = await fetch(`${url}/saml/demo/login?return_to[toString]=x`);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 400,
      body: { code: 'http.bad_return_to' },
    });
  });

  it('sends somebody without a session to sign in, however long the address', async () => {
    const url = await serve((auth) => {
      const app = express().use(auth.router);
      return app.use('/reports', auth.requireUser());
    });
    for (const path of [`/reports?filter=${'a'.repeat(3000)}`, '/reports/sales%2Fnorth']) {
      const login = await fetch(url + path, {
        headers: { accept: 'text/html' },
        redirect: 'manual',
      });
      expect(login.status).toBe(302);
      const start = await fetch(new URL(login.headers.get('location') ?? '', url), {
        headers: { accept: 'text/html' },
        redirect: 'manual',
      });
      const next = new URL(start.headers.get('location') ?? '', url);
      const idp = await fetch(next, { headers: { accept: 'text/html' }, redirect: 'manual' });
      expect(idp.status).toBe(302);
    }
  });
});
