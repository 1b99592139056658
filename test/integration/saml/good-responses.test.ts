import { assertVerified } from '@rollcall/jit-auth/saml/verified-assertion';
import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { PERSISTENT, type ResponseText, writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { type SignWith, signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const rolledOver = await makeTestKey();

async function signIn(
  text: Partial<ResponseText> = {},
  signed: 'assertion' | 'response' | 'both' = 'assertion',
  options: Partial<SignWith> = {},
  change: (xml: string) => string = (xml) => xml,
) {
  const connection = testConnection(testIdp(key), { signed });
  const browser = await sendBrowser(connection, mapReplayMemory());
  const xml = change(writeResponse({ ...browser.answer, ...text }));
  const signedXml = signXml(xml, signed, { key, ...options });
  return (await postResponse(browser, signedXml)).assertion;
}

describe.each(['assertion', 'response', 'both'] as const)(
  'a good response, signed: %s',
  (signed) => {
    test('says who it is and for how long', async () => {
      const now = Date.parse('2100-01-01T00:00:00Z');
      const assertion = await signIn(
        { assertionId: '_a1', responseId: '_r1', sessionIndex: 's1', sessionNotOnOrAfter: now },
        signed,
      );
      assertVerified(assertion);
      expect(assertion).toMatchObject({
        connectionId: 'acme',
        assertionId: '_a1',
        responseId: '_r1',
        issuer: 'https://idp.example.com/metadata',
        nameId: {
          value: '00u1mary',
          format: PERSISTENT,
          nameQualifier: null,
          spNameQualifier: null,
        },
        sessionIndex: 's1',
        sessionNotOnOrAfter: now,
      });
      expect(Math.abs(assertion.issuedAt - Date.now())).toBeLessThan(10_000);
      expect(assertion.attributes).toEqual(new Map([['email', ['mary@example.com']]]));
    });

    test('500 groups come through', async () => {
      const groups = Array.from(
        { length: 500 },
        (_, index) =>
          `CN=Department ${index},OU=Groups,OU=People and Places,DC=example,DC=com${'.'.repeat(50)}`,
      );
      const assertion = await signIn({ attributes: [['groups', ...groups]] }, signed);
      expect(assertion.attributes.get('groups')).toEqual(groups);
    });

    test.each([
      [
        'SHA-512',
        {
          signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
          digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha512',
        },
      ],
      ['no KeyInfo', { keyInfo: null }],
      ['inclusive prefixes', { inclusivePrefixes: ['xs'] }],
    ])('is taken with %s', async (_, options) => {
      const typed = (xml: string) =>
        xml
          .replace(
            '<samlp:Response ',
            '<samlp:Response xmlns:xs="http://www.w3.org/2001/XMLSchema" ',
          )
          .replace(
            '<saml:AttributeValue>',
            '<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">',
          );
      const assertion = await signIn({}, signed, options, typed);
      expect(assertion.attributes.get('email')).toEqual(['mary@example.com']);
    });
  },
);

describe('exact bytes', () => {
  test.each([
    'Mary@Example.com',
    '\u212Aelvin',
    'Ame\u0301lie',
    'Am\u00e9lie',
    'a & b <c> "d" \'e\'',
    '\u{1F980}',
    ' padded ',
    'two\nlines',
    'a\u00a0b',
  ])('NameID %j is kept as it was signed', async (nameId) => {
    const assertion = await signIn({ nameId });
    expect(assertion.nameId.value).toBe(nameId);
  });

  test.each(['', ' ', '\t', '\n', '\r', 'a\rb', '  x  '])(
    'attribute value %j is kept',
    async (value) => {
      const assertion = await signIn({ attributes: [['x', value, 'y']] });
      expect(assertion.attributes.get('x')).toEqual([value, 'y']);
    },
  );
});

describe('attributes', () => {
  test('with names that objects have already', async () => {
    const names = ['__proto__', 'constructor', 'nameID', 'issuer', 'toString', 'hasOwnProperty'];
    const assertion = await signIn({ attributes: names.map((name) => [name, `of ${name}`]) });
    expect([...assertion.attributes]).toEqual(names.map((name) => [name, [`of ${name}`]]));
    expect(assertion.nameId.value).toBe('00u1mary');
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('that occur twice keep all their values, in order', async () => {
    const assertion = await signIn({
      attributes: [
        ['groups', 'a', 'b'],
        ['email', 'x'],
        ['groups', 'b', 'c'],
      ],
      moreAssertionXml:
        '<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>d</saml:AttributeValue>' +
        '</saml:Attribute></saml:AttributeStatement>',
    });
    expect(assertion.attributes.get('groups')).toEqual(['a', 'b', 'b', 'c', 'd']);
  });

  test('without values are there and empty; without a statement there are none', async () => {
    expect((await signIn({ attributes: [['groups']] })).attributes).toEqual(
      new Map([['groups', []]]),
    );
    expect((await signIn({ attributes: [] })).attributes.size).toBe(0);
  });

  test('with a value that is more than text are left out as a whole', async () => {
    const structured =
      '<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>a</saml:AttributeValue>' +
      '<saml:AttributeValue><saml:NameID>b</saml:NameID></saml:AttributeValue></saml:Attribute></saml:AttributeStatement>';
    const assertion = await signIn({ attributes: [['email', 'x']], moreAssertionXml: structured });
    expect([...assertion.attributes.keys()]).toEqual(['email']);
  });

  test('a nil value is no value', async () => {
    const nil =
      '<saml:AttributeStatement><saml:Attribute Name="x"><saml:AttributeValue xsi:nil="true"' +
      ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/></saml:Attribute></saml:AttributeStatement>';
    expect((await signIn({ attributes: [], moreAssertionXml: nil })).attributes.get('x')).toEqual(
      [],
    );
  });
});

describe('key roll-over', () => {
  test('any pinned key may sign, and no other', async () => {
    const connection = testConnection(
      testIdp(key, { certificates: [key.certificate, rolledOver.certificate] }),
    );
    for (const signer of [key, rolledOver]) {
      const browser = await sendBrowser(connection, mapReplayMemory());
      const xml = signXml(writeResponse(browser.answer), 'assertion', { key: signer });
      expect((await postResponse(browser, xml)).assertion.nameId.value).toBe('00u1mary');
    }
  });
});

test('base64 in lines, as RFC 2045 has it, is taken', async () => {
  const { verifyResponse } = await import('@rollcall/jit-auth/saml/verify');
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const xml = signXml(writeResponse(browser.answer), 'assertion', { key });
  const lines =
    Buffer.from(xml)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const { connection, memory, now, cookie, relayState } = browser;
  const form = { SAMLResponse: lines.join('\r\n'), RelayState: relayState };
  const { assertion } = await verifyResponse(
    { form, browser: cookie },
    { connection, memory, now },
  );
  expect(assertion.nameId.value).toBe('00u1mary');
});

test('a plain XML declaration is fine', async () => {
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const xml = signXml(writeResponse(browser.answer), 'assertion', { key });
  const declared = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n${xml}`;
  expect((await postResponse(browser, declared)).assertion.nameId.value).toBe('00u1mary');
});
