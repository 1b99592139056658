import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoApp } from '@rollcall/demo-app';
import { type JitAuth, jitAuth } from '@rollcall/jit-auth';
import { createLog } from '@rollcall/shared/telemetry/log';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/service.ts';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { formOf, Visitor } from '../../support/visitor.ts';

/** A host's pool has clients already when Rollcall is handed it; one of them serves the sign-in. */
describe("a client of the host's pool that dies in the middle of a sign-in", () => {
  let stack: Stack;
  let pool: pg.Pool;
  let auth: JitAuth;
  let server: Server;
  let url: string;
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);

  beforeAll(async () => {
    stack = await startStack();
    pool = new pg.Pool({ connectionString: stack.fresh.url, max: 5 });
    pool.on('error', () => undefined);
    await pool.query('select 1');
    auth = await jitAuth(stack.config, { env: stack.env, pool, log: createLog('silent') });
    server = createServer(demoApp(auth, { directoryUrl: null }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.on('uncaughtException', note);
  });
  afterAll(async () => {
    process.off('uncaughtException', note);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await auth.close();
    await pool.end();
    await stack.close();
  });

  it('costs that sign-in and not the process', async () => {
    const visitor = new Visitor();
    const idp = new Visitor();
    const first = await fetch(`${url}/saml/demo/login`, { redirect: 'manual' });
    for (const cookie of first.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split(/=(.*)/s);
      visitor.plant(url, name, value);
    }
    const chooser = formOf(await idp.get(first.headers.get('location') ?? ''));
    const form = formOf(await idp.post(chooser.action, { ...chooser.fields, person: ADA }));

    const blocker = await stack.fresh.pool.connect();
    await blocker.query('begin');
    await blocker.query('lock table users in access exclusive mode');
    const posted = visitor.postOnce(`${url}/saml/demo/acs`, new URLSearchParams(form.fields));
    await until('the sign-in to wait for the lock', 10_000, async () => {
      const killed = await blocker.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and wait_event_type = 'Lock'`,
      );
      return killed.rowCount;
    });
    await blocker.query('rollback');
    blocker.release();
    expect((await posted).status).toBe(503);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(uncaught).toEqual([]);
  });
});
