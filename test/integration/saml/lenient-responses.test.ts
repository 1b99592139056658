import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('what may be left out', () => {
  test.each([
    ['Destination of a response that is not signed', { destination: null }],
    ['Issuer of a response that is not signed', { responseIssuer: null }],
    ['NotBefore', { notBefore: null }],
    ['SessionNotOnOrAfter', { sessionNotOnOrAfter: null }],
    ['SessionIndex', { sessionIndex: null }],
    ['Format', { nameIdFormat: null }],
  ])('%s', async (_, changes) => {
    const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
    const xml = signXml(writeResponse({ ...browser.answer, ...changes }), 'assertion', { key });
    const { assertion } = await postResponse(browser, xml);
    expect(assertion.nameId.value).toBe('00u1mary');
  });
});

test('ForceAuthn: a sign-in older than the request is refused, a later one taken', async () => {
  const connection = testConnection(testIdp(key), { forceAuthn: true });
  for (const [before, code] of [
    [5 * MINUTE, 'saml.authn_too_old'],
    [0, null],
  ] as const) {
    const browser = await sendBrowser(connection, mapReplayMemory());
    const authnInstant = browser.now - before;
    const xml = signXml(writeResponse({ ...browser.answer, authnInstant }), 'assertion', { key });
    const answer = postResponse(browser, xml);
    if (code === null) expect((await answer).assertion.authnInstant).toBe(authnInstant);
    else await expect(answer).rejects.toMatchObject({ code });
  }
});

test('without ForceAuthn the session at the provider may be old', async () => {
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const authnInstant = browser.now - 7 * HOUR;
  const xml = signXml(writeResponse({ ...browser.answer, authnInstant }), 'assertion', { key });
  expect((await postResponse(browser, xml)).assertion.authnInstant).toBe(authnInstant);
});

test.each([
  ['Entra', -5 * MINUTE, 70 * MINUTE],
  ['AD FS', 0, 60 * MINUTE],
  ['Okta', -5 * MINUTE, 5 * MINUTE],
])('the window of %s is taken', async (_, notBefore, notOnOrAfter) => {
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const text = writeResponse({
    ...browser.answer,
    notBefore: browser.now + notBefore,
    notOnOrAfter: browser.now + notOnOrAfter,
    confirmationNotOnOrAfter: browser.now + notOnOrAfter,
  });
  const { assertion } = await postResponse(browser, signXml(text, 'assertion', { key }));
  expect(assertion.nameId.value).toBe('00u1mary');
});
