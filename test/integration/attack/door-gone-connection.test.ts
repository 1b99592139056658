import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoApp } from '@rollcall/demo-app';
import { jitAuth } from '@rollcall/jit-auth';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { createLog } from '@rollcall/shared/telemetry/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRACE, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

/** An identity provider that is no longer trusted is taken out of the configuration. */
describe('a connection that is no longer configured', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  it('has no live sessions', async () => {
    const grace = new Visitor();
    const { action, fields } = await askIdp(grace, `${stack.web.url}/saml/demo/login`, GRACE);
    await grace.post(action, fields);
    expect((await grace.json(`${stack.web.url}/session`)).status).toBe(200);

    const text = JSON.stringify(stack.config).replaceAll('"demo"', '"other"');
    const log = createLog('silent');
    const auth = await jitAuth(JSON.parse(text) as ConfigInput, { env: stack.env, log });
    const server = createServer(demoApp(auth, { directoryUrl: null }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/session`, {
        headers: { cookie: grace.cookies(stack.web.url), accept: 'application/json' },
      });
      expect({ status: answer.status, body: await answer.json() }).toMatchObject({ status: 401 });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await auth.close();
    }
  });
});
