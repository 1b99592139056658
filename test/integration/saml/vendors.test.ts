import { describe, expect, test } from 'vitest';
import { encryptText } from '../../fixtures/saml/encrypt-xml.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import {
  ownDecryptionKeys,
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { type SignedPart, signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { VENDORS } from '../../fixtures/saml/vendors/all-vendors.ts';
import {
  ADA,
  signAsVendor,
  type VendorPerson,
  type VendorShape,
} from '../../fixtures/saml/vendors/vendor-shape.ts';

const [key, ours] = await Promise.all([makeTestKey(), makeTestKey()]);
const PARTS: readonly SignedPart[] = ['assertion', 'response', 'both'];

function send(shape: VendorShape, signed: SignedPart): Promise<WaitingBrowser> {
  const idp = testIdp(key, { entityId: shape.entityId });
  return sendBrowser(
    testConnection(idp, { signed, keys: ownDecryptionKeys(ours) }),
    mapReplayMemory(),
  );
}

const answerTo = ({ answer }: WaitingBrowser, person: VendorPerson = ADA, skewMs = 0) => ({
  ...answer,
  now: answer.now + skewMs,
  person,
});

describe.each(Object.values(VENDORS))('a response in the shape of $name', (shape) => {
  const parts = PARTS.filter((part) => shape.canSign.includes(part));

  test.each(parts)('is read to the letter, signed: %s', async (part) => {
    const browser = await send(shape, part);
    const { assertion } = await postResponse(
      browser,
      signAsVendor(shape, answerTo(browser), part, key),
    );
    expect(assertion.nameId.value).toBe(shape.nameId.value(ADA));
    expect(assertion.nameId.format).toBe(shape.nameId.format);
    expect(Object.fromEntries(assertion.attributes)).toEqual(shape.attributes(ADA));
    expect(assertion.sessionIndex).toMatch(/^\S+$/);
  });

  test.each([-45_000, 45_000])('is taken from a clock that is %i ms off', async (skewMs) => {
    const browser = await send(shape, shape.signs);
    const xml = signAsVendor(shape, answerTo(browser, ADA, skewMs), shape.signs, key);
    expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(shape.nameId.value(ADA));
  });

  test('is taken with 500 groups', async () => {
    const groups = Array.from(
      { length: 500 },
      (_, n) => `CN=Dép ${n},OU=Groups,DC=acme,DC=example`,
    );
    const browser = await send(shape, shape.signs);
    const person = { ...ADA, groups };
    const xml = signAsVendor(shape, answerTo(browser, person), shape.signs, key);
    const { assertion } = await postResponse(browser, xml);
    expect(Object.fromEntries(assertion.attributes)).toEqual(shape.attributes(person));
  });

  test('is taken with the assertion encrypted', async () => {
    const browser = await send(shape, 'both');
    const signed = signAsVendor(shape, answerTo(browser), 'assertion', key);
    const xml = signXml(encryptAssertion(signed), 'response', { ...shape.signature, key });
    const { assertion } = await postResponse(browser, xml);
    expect(Object.fromEntries(assertion.attributes)).toEqual(shape.attributes(ADA));
  });

  test('is refused with another person in it, and at another connection', async () => {
    const browser = await send(shape, shape.signs);
    const xml = signAsVendor(shape, answerTo(browser), shape.signs, key);
    const forged = xml.replace(shape.nameId.value(ADA), 'admin');
    expect(forged).not.toBe(xml);
    await expect(postResponse(browser, forged)).rejects.toMatchObject({
      code: 'saml.digest_mismatch',
    });
    const other = testConnection(browser.connection.idp, { id: 'other', signed: shape.signs });
    const there = await sendBrowser(other, browser.memory, browser.requestId);
    await expect(postResponse(there, xml)).rejects.toMatchObject({
      code: 'saml.destination_mismatch',
    });
  });
});

/** The assertion as a document of its own, with the declarations of the root on it, in its place. */
function encryptAssertion(xml: string): string {
  const [assertion = '', prefix = ''] = /<((?:\w+:)?)Assertion .*<\/\1Assertion>/s.exec(xml) ?? [];
  const [root = ''] = /<(?:\w+:)?Response [^>]*>/.exec(xml) ?? [];
  const [tag = ''] = /^<[^>]*>/.exec(assertion) ?? [];
  const missing = [...root.matchAll(/ xmlns:\w+="[^"]*"/g)]
    .map(([declaration]) => declaration)
    .filter((declaration) => !tag.includes(declaration.split('=')[0] ?? ''));
  const alone = assertion.replace(/ /, `${missing.join('')} `);
  const around =
    prefix === ''
      ? 'EncryptedAssertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"'
      : `${prefix}EncryptedAssertion xmlns:${prefix.slice(0, -1)}="urn:oasis:names:tc:SAML:2.0:assertion"`;
  const sealed = encryptText(alone, { recipient: ours });
  return xml.replace(assertion, () => `<${around}>${sealed}</${prefix}EncryptedAssertion>`);
}
