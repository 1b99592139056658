import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

describe('a connection whose identity provider is not known', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      more: (config) => {
        const [demo] = config.connections as { id: string }[];
        const broken = { metadata_url: 'http://127.0.0.1:1/metadata' };
        const { sweep: _, directory: __, ...rest } = demo as Record<string, unknown>;
        config.connections = [demo, { ...rest, id: 'broken', idp: broken }];
      },
    });
  });
  afterAll(() => stack.close());

  it('says so, with a code, a reference and when to come back, and lets nobody in', async () => {
    for (const answer of [
      await new Visitor().get(`${stack.web.url}/saml/broken/login`),
      await new Visitor().post(`${stack.web.url}/saml/broken/acs`, { SAMLResponse: 'PHg+' }),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.text).toContain('connection.unavailable');
      expect(answer.headers.get('retry-after')).toBe('60');
      const reference = /data-testid="reference">([^<]*)</.exec(answer.text)?.[1];
      const line = stack.logged.find((one) => one.includes(`"ref":"${reference}"`));
      expect(JSON.parse(line ?? '{}')).toMatchObject({
        event: 'sign_in.unavailable',
        connection: 'broken',
        cause: 'saml.metadata_unreachable',
      });
    }
  });

  it('still tells our metadata, which its identity provider may be waiting for', async () => {
    const answer = await fetch(`${stack.web.url}/saml/broken/metadata`);
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringContaining('/saml/broken/acs'),
    ]);
  });

  it('keeps nobody out who comes by another', async () => {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, `${stack.web.url}/saml/demo/login`, ADA);
    expect((await visitor.post(action, fields)).status).toBe(200);
  });
});
