import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import { assertVerified, claimMint } from '@rollcall/jit-auth/saml/verified-assertion';
import { expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

test('only the verifier mints, and a copy is no original', async () => {
  const key = await makeTestKey();
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const xml = signXml(writeResponse(browser.answer), 'assertion', { key });
  const { assertion } = await postResponse(browser, xml);
  expect(() => assertVerified(assertion)).not.toThrow();
  for (const other of [{ ...assertion }, structuredClone({ ...assertion }), {}, null, 'x']) {
    expect(() => assertVerified(other)).toThrow(
      expect.objectContaining({ code: 'saml.not_verified' }),
    );
  }
  expect(Object.isFrozen(assertion)).toBe(true);
  expect(() => claimMint()).toThrow('belongs to');
});

test('a refusal says nothing to strangers and cuts what it tells the log', () => {
  const refusal = new SamlRefusal('saml.issuer_mismatch', {
    expected: 'a',
    received: 'b'.repeat(5000),
  });
  expect(refusal.message).not.toMatch(/issuer|saml/i);
  expect(String(refusal.detail.received).length).toBeLessThan(400);
  const many = new SamlRefusal('saml.audience_mismatch', {
    expected: 'a',
    received: Array(500).fill('x'),
  });
  expect(many.detail.received).toHaveLength(20);
});
