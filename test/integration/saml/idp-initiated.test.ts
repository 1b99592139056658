import { verifyResponse } from '@rollcall/jit-auth/saml/verify';
import { codeOf } from '@rollcall/shared/core/errors';
import { toEpochMs } from '@rollcall/shared/core/time';
import { describe, expect, test } from 'vitest';
import { encryptByHand, sealResponse } from '../../fixtures/saml/encrypt-xml.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { type ResponseText, writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  ownDecryptionKeys,
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
  toForm,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const [key, ours] = await Promise.all([makeTestKey(), makeTestKey()]);
const NAME = '00u1mary';
const PARTS = ['assertion', 'response', 'both'] as const;
const UNSOLICITED = { inResponseTo: null, responseInResponseTo: null };

type Changes = Parameters<typeof testConnection>[1];

/** A browser that waits at a connection, so that a right answer to it can be spoilt. */
function waiting(changes: Changes = {}): Promise<WaitingBrowser> {
  const connection = testConnection(testIdp(key), { idpInitiated: true, ...changes });
  return sendBrowser(connection, mapReplayMemory());
}

function write(browser: WaitingBrowser, text: Partial<ResponseText> = UNSOLICITED): string {
  return signXml(writeResponse({ ...browser.answer, ...text }), browser.connection.signed, { key });
}

/** Posts it from a browser that nobody has seen before. */
function post({ connection, memory }: WaitingBrowser, xml: string, relayState?: string) {
  const deps = { connection, memory, now: toEpochMs(Date.now()) };
  return verifyResponse({ form: toForm(xml, relayState), browser: null }, deps);
}

describe.each(PARTS)('a sign-in that begins at the provider, signed: %s', (signed) => {
  test('is taken where the connection says so, once', async () => {
    const browser = await waiting({ signed });
    const xml = write(browser);
    const { assertion, returnTo, begunAt } = await post(browser, xml);
    expect(assertion.nameId.value).toBe(NAME);
    expect({ returnTo, begunAt }).toEqual({ returnTo: '/', begunAt: null });
    await expect(post(browser, xml)).rejects.toMatchObject({ code: 'saml.replayed' });
  });

  test('of ten posts at the same time one is taken', async () => {
    const browser = await waiting({ signed });
    const xml = write(browser);
    const posts = await Promise.allSettled(Array.from({ length: 10 }, () => post(browser, xml)));
    const codes = posts.map((one) => (one.status === 'fulfilled' ? 'taken' : codeOf(one.reason)));
    expect(codes.sort()).toEqual([...Array(9).fill('saml.replayed'), 'taken']);
  });

  test('is refused where the connection does not say so', async () => {
    for (const changes of [
      { signed, idpInitiated: false },
      { signed, forceAuthn: true },
    ]) {
      const browser = await waiting(changes);
      await expect(post(browser, write(browser))).rejects.toMatchObject({
        code: 'saml.unsolicited_not_allowed',
      });
    }
  });

  test('names no request anywhere', async () => {
    for (const text of [
      { inResponseTo: null },
      { responseInResponseTo: null },
      { inResponseTo: '' },
    ]) {
      const browser = await waiting({ signed });
      await expect(post(browser, write(browser, text))).rejects.toMatchObject({
        code: 'saml.request_unknown',
      });
      await expect(postResponse(browser, write(browser, text))).rejects.toMatchObject({
        code: 'saml.in_response_to_mismatch',
      });
    }
  });

  test('may be encrypted', async () => {
    const browser = await waiting({ signed, keys: ownDecryptionKeys(ours) });
    const text = writeResponse({ ...browser.answer, ...UNSOLICITED });
    const xml = await sealResponse(text, signed, { key }, (one) =>
      encryptByHand(one, { recipient: ours }),
    );
    expect((await post(browser, xml)).assertion.nameId.value).toBe(NAME);
  });
});

test('an answer that is stripped of InResponseTo stays an answer', async () => {
  const browser = await waiting();
  const xml = write(browser, {});
  const stripped = xml.replace(/ InResponseTo="[^"]*"/, '');
  expect(stripped.match(/InResponseTo=/g)).toHaveLength(1);
  await expect(post(browser, stripped)).rejects.toMatchObject({ code: 'saml.request_unknown' });
  await expect(postResponse(browser, stripped)).rejects.toMatchObject({
    code: 'saml.in_response_to_mismatch',
  });
});

test('an unsolicited one that is given InResponseTo answers nothing', async () => {
  const browser = await waiting();
  const given = write(browser).replace(
    '<samlp:Response ',
    `<samlp:Response InResponseTo="${browser.requestId}" `,
  );
  await expect(postResponse(browser, given)).rejects.toMatchObject({
    code: 'saml.in_response_to_mismatch',
  });
});

test('an answer keeps every check', async () => {
  const browser = await waiting();
  const xml = write(browser, {});
  await expect(post(browser, xml)).rejects.toMatchObject({ code: 'saml.request_unknown' });
  await expect(post(browser, xml, browser.relayState)).rejects.toMatchObject({
    code: 'saml.other_browser',
  });
  const again = await waiting();
  expect((await postResponse(again, write(again, {}))).returnTo).toBe('/reports?week=2');
});

test.each([
  ['/reports?week=2', '/reports?week=2'],
  ['https://evil.example.com/', '/'],
  ['//evil.example.com/', '/'],
  ['/\\evil.example.com', '/'],
  ['javascript:alert(1)', '/'],
  ['', '/'],
  ['x'.repeat(5000), '/'],
])('RelayState %j leads to %j', async (relayState, returnTo) => {
  const browser = await waiting();
  expect((await post(browser, write(browser), relayState)).returnTo).toBe(returnTo);
});

test('RelayState of a request that waits does not spend it', async () => {
  const browser = await waiting();
  expect((await post(browser, write(browser), browser.relayState)).returnTo).toBe('/');
  const answer = await postResponse(browser, write(browser, {}));
  expect(answer.returnTo).toBe('/reports?week=2');
});
