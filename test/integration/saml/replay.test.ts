import { PostgresReplayMemory } from '@rollcall/jit-auth/saml/postgres-replay-memory';
import { RedisReplayMemory } from '@rollcall/jit-auth/saml/redis-replay-memory';
import type { ReplayMemory } from '@rollcall/jit-auth/saml/replay-memory';
import { codeOf } from '@rollcall/shared/core/errors';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { freshDatabase } from '../../setup/database.ts';
import { describeOnBothEngines, redisOrNull } from '../../setup/redis.ts';

const key = await makeTestKey();
const connection = testConnection(testIdp(key));
const database = await freshDatabase();
afterAll(() => database.drop());

describeOnBothEngines('one request, one browser, one use', (engine) => {
  let memory: ReplayMemory;
  beforeAll(async () => {
    if (engine === 'postgres') {
      memory = new PostgresReplayMemory(database.pool);
      return;
    }
    const fresh = await redisOrNull();
    if (fresh === null) throw new Error('no Redis, although the run has one');
    const redis = new Redis(fresh.url);
    memory = new RedisReplayMemory(redis);
    return async () => {
      redis.disconnect();
      await fresh.release();
    };
  });

  async function good() {
    const browser = await sendBrowser(connection, memory);
    return { browser, xml: signXml(writeResponse(browser.answer), 'assertion', { key }) };
  }

  test('a good response is taken, once', async () => {
    const { browser, xml } = await good();
    const { assertion, returnTo } = await postResponse(browser, xml);
    expect(assertion.connectionId).toBe('acme');
    expect(returnTo).toBe('/reports?week=2');
    await expect(postResponse(browser, xml)).rejects.toMatchObject({
      code: 'saml.request_unknown',
    });
  });

  test('of ten posts at the same time one is taken', async () => {
    const { browser, xml } = await good();
    const posts = await Promise.allSettled(
      Array.from({ length: 10 }, () => postResponse(browser, xml)),
    );
    const codes = posts.map((post) =>
      post.status === 'fulfilled' ? 'taken' : codeOf(post.reason),
    );
    expect(codes.filter((code) => code === 'taken')).toHaveLength(1);
    expect(codes.filter((code) => code === 'saml.request_unknown')).toHaveLength(9);
  });

  test('an assertion is used once, even if its request were asked twice', async () => {
    const { browser, xml } = await good();
    await postResponse(browser, xml);
    const again = await sendBrowser(connection, memory, browser.requestId);
    await expect(postResponse(again, xml)).rejects.toMatchObject({ code: 'saml.replayed' });
    const browsers = await Promise.all(
      Array.from({ length: 5 }, () => sendBrowser(connection, memory)),
    );
    const [first] = browsers;
    const requestId = first?.requestId ?? '';
    const same = await Promise.all(browsers.map(() => sendBrowser(connection, memory, requestId)));
    const other = signXml(writeResponse({ ...browser.answer, requestId }), 'assertion', { key });
    const posts = await Promise.allSettled(same.map((one) => postResponse(one, other)));
    const codes = posts.map((post) =>
      post.status === 'fulfilled' ? 'taken' : codeOf(post.reason),
    );
    expect(codes.sort()).toEqual([...Array(4).fill('saml.replayed'), 'taken']);
  });

  test('a request of another browser is refused, and spent', async () => {
    const { browser, xml } = await good();
    const other = await sendBrowser(connection, memory);
    const stolen = { ...browser, cookie: other.cookie };
    await expect(postResponse(stolen, xml)).rejects.toMatchObject({ code: 'saml.other_browser' });
    await expect(postResponse(browser, xml)).rejects.toMatchObject({
      code: 'saml.request_unknown',
    });
  });

  test('a browser without a cookie is refused', async () => {
    const { browser, xml } = await good();
    await expect(postResponse({ ...browser, cookie: '' }, xml)).rejects.toMatchObject({
      code: 'saml.other_browser',
    });
  });

  test.each(['', 'x', 'a'.repeat(43), '../../etc', 'a'.repeat(5000), '\u0000'])(
    'RelayState that we did not make is refused: %j',
    async (relayState) => {
      const { browser, xml } = await good();
      await expect(postResponse({ ...browser, relayState }, xml)).rejects.toMatchObject({
        code: 'saml.request_unknown',
      });
    },
  );

  test('the response must answer the request of this browser', async () => {
    const { browser } = await good();
    const other = await sendBrowser(connection, memory);
    for (const changes of [
      { requestId: other.requestId },
      { responseInResponseTo: null },
      { responseInResponseTo: other.requestId },
      { inResponseTo: null },
      { inResponseTo: other.requestId },
      { inResponseTo: null, responseInResponseTo: null },
    ]) {
      const one = await sendBrowser(connection, memory, browser.requestId);
      const xml = signXml(writeResponse({ ...browser.answer, ...changes }), 'assertion', { key });
      await expect(postResponse(one, xml)).rejects.toMatchObject({
        code: 'saml.in_response_to_mismatch',
      });
    }
  });

  test('what nobody has signed does not spend the request', async () => {
    const { browser, xml } = await good();
    const forged = xml.replace('00u1mary', 'admin');
    await expect(postResponse(browser, forged)).rejects.toMatchObject({
      code: 'saml.digest_mismatch',
    });
    expect((await postResponse(browser, xml)).assertion.nameId.value).toBe('00u1mary');
  });
});
