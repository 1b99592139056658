import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeAssertion, writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const attacker = await makeTestKey();
const idp = testIdp(key);
const NAME = '00u1mary';

/** A browser that waits, and the good answer to it. */
async function good(signed: 'assertion' | 'response' | 'both' = 'assertion') {
  const browser = await sendBrowser(testConnection(idp, { signed }), mapReplayMemory());
  return { browser, xml: signXml(writeResponse(browser.answer), signed, { key }) };
}

function replaceOnce(text: string, from: string | RegExp, to: string): string {
  const replaced = text.replace(from, to);
  if (replaced === text) throw new Error(`the fixture has no ${from}`);
  return replaced;
}

async function expectRefused(browser: WaitingBrowser, xml: string, code: string): Promise<void> {
  await expect(postResponse(browser, xml)).rejects.toMatchObject({ code });
}

describe('what has to be signed', () => {
  test('nothing is signed', async () => {
    const { browser } = await good();
    await expectRefused(browser, writeResponse(browser.answer), 'saml.signature_missing');
  });

  test.each([
    ['assertion', 'response'],
    ['response', 'assertion'],
    ['both', 'assertion'],
    ['both', 'response'],
  ] as const)('%s is wanted and %s is signed', async (wanted, given) => {
    const browser = await sendBrowser(testConnection(idp, { signed: wanted }), mapReplayMemory());
    const xml = signXml(writeResponse(browser.answer), given, { key });
    await expectRefused(browser, xml, 'saml.signature_missing');
  });

  test('one signature more than wanted must hold too', async () => {
    const { browser } = await good('assertion');
    const xml = signXml(writeResponse(browser.answer), 'both', { key });
    // The response's own signature stops holding; the assertion's still does.
    const changed = replaceOnce(xml, 'Destination="', 'Consent="urn:x" Destination="');
    await expectRefused(browser, changed, 'saml.digest_mismatch');
    const fresh = await sendBrowser(browser.connection, browser.memory, browser.requestId);
    expect((await postResponse(fresh, xml)).assertion.nameId.value).toBe(NAME);
  });

  test('an encrypted assertion is refused where there is no key for it', async () => {
    const { browser } = await good();
    const assertionXml = '<saml:EncryptedAssertion><x/></saml:EncryptedAssertion>';
    const xml = writeResponse({ ...browser.answer, assertionXml });
    await expectRefused(browser, xml, 'saml.encrypted_without_key');
  });

  test('no assertion at all', async () => {
    const { browser } = await good();
    const xml = writeResponse({ ...browser.answer, assertionXml: '' });
    await expectRefused(browser, xml, 'saml.not_one_assertion');
  });

  test('a provider that lets nobody in is quoted in the log', async () => {
    const { browser } = await good();
    const status = 'urn:oasis:names:tc:SAML:2.0:status:Responder';
    const subStatus = 'urn:oasis:names:tc:SAML:2.0:status:AuthnFailed';
    const xml = writeResponse({ ...browser.answer, assertionXml: '', status, subStatus });
    await expect(postResponse(browser, xml)).rejects.toMatchObject({
      code: 'saml.status_not_success',
      detail: { received: [status, subStatus] },
    });
  });

  test('two assertions, each signed', async () => {
    const { browser } = await good();
    const second = writeAssertion({ ...browser.answer, nameId: 'admin' });
    const xml = signXml(writeResponse(browser.answer), 'assertion', { key });
    const both = replaceOnce(xml, '</samlp:Response>', `${second}</samlp:Response>`);
    await expectRefused(browser, both, 'saml.not_one_assertion');
  });
});

describe('another connection', () => {
  const shared = { entityId: 'https://other.example.com/metadata' };

  test('the answer to one is worth nothing at another with the same key', async () => {
    const memory = mapReplayMemory();
    const a = await sendBrowser(testConnection(idp, { id: 'a' }), memory);
    const b = await sendBrowser(testConnection(idp, { id: 'b' }), memory);
    const xml = signXml(writeResponse(a.answer), 'assertion', { key });
    await expectRefused(b, xml, 'saml.destination_mismatch');
    // Everything that is not signed, put right for the other.
    const again = await sendBrowser(b.connection, memory);
    const adapted = xml
      .replace(/ Destination="[^"]*"/, '')
      .replace(/ InResponseTo="[^"]*"/, ` InResponseTo="${again.requestId}"`);
    await expectRefused(again, adapted, 'saml.recipient_mismatch');
  });

  test('RelayState of one request opens nothing at another connection', async () => {
    const memory = mapReplayMemory();
    const a = await sendBrowser(testConnection(idp, { id: 'a' }), memory);
    const b = testConnection(idp, { id: 'b' });
    const xml = signXml(writeResponse(a.answer), 'assertion', { key });
    await expectRefused({ ...a, connection: b }, xml, 'saml.request_unknown');
  });

  test('two providers with one key are told apart by their Issuer', async () => {
    const other = testIdp(key, shared);
    const browser = await sendBrowser(testConnection(other), mapReplayMemory());
    const xml = signXml(writeResponse({ ...browser.answer, entityId: idp.entityId }), 'assertion', {
      key,
    });
    await expectRefused(browser, xml, 'saml.issuer_mismatch');
  });

  test('two providers with two keys cannot sign for each other', async () => {
    const other = testIdp(attacker, shared);
    const browser = await sendBrowser(testConnection(other), mapReplayMemory());
    const xml = signXml(writeResponse(browser.answer), 'assertion', { key });
    await expectRefused(browser, xml, 'saml.signature_invalid');
  });
});
