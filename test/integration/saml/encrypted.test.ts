import { AppError } from '@rollcall/shared/core/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askFirst, askSecond } from '../../fixtures/saml/both-verifiers.ts';
import {
  AES_128_CBC,
  AES_128_GCM,
  AES_256_CBC,
  AES_256_GCM,
  type EncryptWith,
  encryptByHand,
  encryptByPackage,
  encryptText,
  OAEP_SHA256,
  oaep11,
  RSA_1_5,
  RSA_OAEP,
  RSA_OAEP_11,
  SHA1,
  SHA256,
  sealAnswer,
  sealResponse,
} from '../../fixtures/saml/encrypt-xml.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { newId, type ResponseText, writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  ownDecryptionKeys,
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { EXC_C14N, signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const [key, ours, next, stranger] = await Promise.all([
  makeTestKey(),
  makeTestKey(),
  makeTestKey(),
  makeTestKey(),
]);
const idp = testIdp(key);
const NAME = '00u1mary';
const PARTS = ['assertion', 'response', 'both'] as const;
const FAILED = 'saml.decryption_failed';
const TRANSPORTS = [
  ['RSA-OAEP-MGF1P', {}],
  ['RSA-OAEP with SHA-256', OAEP_SHA256],
] as const;

type Changes = Parameters<typeof testConnection>[1];

function waiting(changes: Changes = {}): Promise<WaitingBrowser> {
  const keys = ownDecryptionKeys(ours);
  return sendBrowser(testConnection(idp, { keys, ...changes }), mapReplayMemory());
}

function expectRefused(browser: WaitingBrowser, xml: string, code: string): Promise<void> {
  return expect(postResponse(browser, xml)).rejects.toMatchObject({ code });
}

describe.each(PARTS)('an encrypted assertion, signed: %s', (signed) => {
  test.each([
    ['AES-128-GCM', { cipher: AES_128_GCM }],
    ['AES-256-GCM', { cipher: AES_256_GCM }],
    ['its key beside it', { beside: true }],
    ['the digest of OAEP said', { methodXml: digest(SHA1) }],
    ['OAEP with SHA-256', OAEP_SHA256],
    ['OAEP with SHA-256, its key beside it', { ...OAEP_SHA256, beside: true, cipher: AES_128_GCM }],
    ['OAEP with SHA-1', oaep11({ digest: SHA1, mask: 'mgf1sha1' })],
    ['OAEP with SHA-1, unsaid', oaep11({})],
    ['an empty label', oaep11({ digest: SHA256, mask: 'mgf1sha256', label: '' })],
  ])('is read by both verifiers: %s', async (_, options) => {
    const browser = await waiting({ signed });
    const xml = await sealAnswer(browser, key, { recipient: ours, ...options });
    expect(xml).not.toContain(NAME);
    expect(await askFirst(browser, xml)).toEqual({ nameId: NAME });
    expect(await askSecond(browser, xml)).toEqual({ nameId: NAME });
    const { assertion } = await postResponse(browser, xml);
    expect(assertion.nameId.value).toBe(NAME);
    expect(assertion.attributes).toEqual(new Map([['email', ['mary@example.com']]]));
  });

  test.each([
    [AES_128_GCM, RSA_OAEP, 'sha1'],
    [AES_256_GCM, RSA_OAEP, 'sha1'],
    [AES_256_GCM, RSA_OAEP_11, 'sha1'],
    [AES_128_GCM, RSA_OAEP_11, 'sha256'],
    [AES_256_GCM, RSA_OAEP_11, 'sha256'],
  ] as const)(
    'as another implementation writes it: %s, %s, %s',
    async (cipher, transport, hash) => {
      const browser = await waiting({ signed });
      const text = writeResponse({ ...browser.answer, nameId: 'Amélie \u{1F980} & <b>' });
      const xml = await sealResponse(text, signed, { key }, (one) =>
        encryptByPackage(one, ours, cipher, transport, hash),
      );
      expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(
        'Amélie \u{1F980} & <b>',
      );
    },
  );

  test('500 groups come through', async () => {
    const browser = await waiting({ signed });
    const groups = Array.from({ length: 500 }, (_, n) => `CN=Group ${n},OU=${'x'.repeat(80)}`);
    const text = writeResponse({ ...browser.answer, attributes: [['groups', ...groups]] });
    const xml = await sealResponse(text, signed, { key }, (one) =>
      encryptByHand(one, { recipient: ours }),
    );
    const { assertion } = await postResponse(browser, xml);
    expect(assertion.attributes.get('groups')).toEqual(groups);
  });

  test('every condition is checked as for a plain one, and it is used once', async () => {
    const rows: readonly [string, Partial<ResponseText>][] = [
      ['saml.audience_mismatch', { audience: 'https://evil.example.com' }],
      ['saml.recipient_mismatch', { recipient: 'https://evil.example.com' }],
      ['saml.issuer_mismatch', { assertionIssuer: 'https://evil.example.com' }],
      ['saml.in_response_to_mismatch', { inResponseTo: null }],
      ['saml.expired', { notOnOrAfter: Date.now() - 120_000 }],
    ];
    for (const [code, changes] of rows) {
      const browser = await waiting({ signed });
      const text = writeResponse({ ...browser.answer, ...changes });
      const xml = await sealResponse(text, signed, { key }, (one) =>
        encryptByHand(one, { recipient: ours }),
      );
      await expectRefused(browser, xml, code);
    }
    const browser = await waiting({ signed });
    const xml = await sealAnswer(browser, key, { recipient: ours });
    await postResponse(browser, xml);
    const again = await sendBrowser(browser.connection, browser.memory, browser.requestId);
    await expectRefused(again, xml, 'saml.replayed');
  });

  test('without a key of ours it is refused as such', async () => {
    const browser = await waiting({ signed, keys: ownDecryptionKeys() });
    const xml = await sealAnswer(browser, key, { recipient: ours });
    await expectRefused(browser, xml, 'saml.encrypted_without_key');
  });
});

function digest(algorithm: string): string {
  return `<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="${algorithm}"/>`;
}

describe.each(TRANSPORTS)('key roll-over: %s', (_, transport) => {
  test('every key of ours decrypts, a stranger’s does not', async () => {
    for (const [recipient, code] of [
      [ours, null],
      [next, null],
      [stranger, FAILED],
    ] as const) {
      for (const signed of PARTS) {
        const browser = await waiting({ signed, keys: ownDecryptionKeys(ours, next) });
        const xml = await sealAnswer(browser, key, { ...transport, recipient });
        if (code !== null) await expectRefused(browser, xml, code);
        else expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(NAME);
      }
    }
  });
});

describe('what a connection wants', () => {
  test('encryption that is required is required', async () => {
    const browser = await waiting({ encryption: 'required' });
    const plain = signXml(writeResponse(browser.answer), 'assertion', { key });
    await expectRefused(browser, plain, 'saml.not_encrypted');
    const xml = await sealAnswer(browser, key, { recipient: ours });
    expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(NAME);
  });

  test('a plain one is taken where a key is there', async () => {
    const browser = await waiting();
    const plain = signXml(writeResponse(browser.answer), 'assertion', { key });
    expect((await postResponse(browser, plain)).assertion.nameId.value).toBe(NAME);
  });

  test.each([
    ['both', 'assertion', 'saml.signature_missing'],
    ['both', 'response', 'saml.signature_missing'],
    ['response', 'assertion', 'saml.signature_missing'],
    ['assertion', 'response', 'saml.signature_missing'],
  ] as const)('%s is wanted and %s is signed', async (signed, given, code) => {
    const browser = await waiting({ signed });
    await expectRefused(browser, await sealAnswer(browser, key, { recipient: ours }, given), code);
  });

  test('a refusal of the provider is still told', async () => {
    const browser = await waiting({ encryption: 'required' });
    const status = 'urn:oasis:names:tc:SAML:2.0:status:Responder';
    const xml = writeResponse({ ...browser.answer, status, assertionXml: '' });
    await expectRefused(browser, xml, 'saml.status_not_success');
  });
});

describe('what nobody has vouched for', () => {
  const evil = (browser: WaitingBrowser) => writeResponse({ ...browser.answer, nameId: 'admin' });
  const sealed = (options: Partial<EncryptWith>) => async (browser: WaitingBrowser) =>
    sealAnswer(browser, key, { recipient: ours, ...options });

  test.each<readonly [string, (browser: WaitingBrowser) => string | Promise<string>]>([
    ['no signature', (browser) => encryptByHand(evil(browser), { recipient: ours })],
    [
      'a stranger’s signature',
      (browser) =>
        encryptByHand(signXml(evil(browser), 'assertion', { key: stranger }), { recipient: ours }),
    ],
    ['another NameID', sealed({ plain: (text) => text.replace(NAME, 'admin') })],
    ['a comment', sealed({ plain: (text) => text.replace(NAME, `${NAME}<!-- -->`) })],
    ['CDATA', sealed({ plain: (text) => text.replace(NAME, `<![CDATA[${NAME}]]>`) })],
    ['a processing instruction', sealed({ plain: (text) => text.replace(NAME, `<?x y?>${NAME}`) })],
    ['a document type', sealed({ plain: (text) => `<!DOCTYPE x>${text}` })],
    ['a second root', sealed({ plain: (text) => text + text })],
    [
      'a relative name of a namespace',
      sealed({ plain: (text) => text.replace('<ds:KeyInfo>', '<ds:KeyInfo xmlns:r="relative">') }),
    ],
    [
      'the prefix xml for another namespace',
      sealed({ plain: (text) => text.replace('<ds:KeyInfo>', '<ds:KeyInfo xmlns:xml="urn:x">') }),
    ],
    ['no XML', sealed({ plain: () => 'hello' })],
    ['broken XML', sealed({ plain: () => '<a><b></a>' })],
    [
      'no UTF-8',
      sealed({ plain: (text) => Buffer.concat([Buffer.from(text), Buffer.from([255])]) }),
    ],
    ['nothing', sealed({ plain: () => '' })],
    [
      'another element',
      sealed({ plain: (text) => text.replaceAll('saml:Assertion', 'saml:Advice') }),
    ],
    ['an assertion within', sealed({ plain: (text) => `<x>${text}</x>` })],
    ['a prefix from outside', sealed({ plain: (text) => text.replace(/ xmlns:saml="[^"]*"/, '') })],
    [
      '5,000 elements',
      sealed({
        plain: (text) => text.replace('<ds:KeyInfo>', `<ds:KeyInfo>${'<a/>'.repeat(5000)}`),
      }),
    ],
    [
      '300 elements in KeyInfo',
      sealed({
        plain: (text) => text.replace('<ds:KeyInfo>', `<ds:KeyInfo>${'<a/>'.repeat(300)}`),
      }),
    ],
    ['depth', sealed({ plain: () => '<a>'.repeat(2000) + '</a>'.repeat(2000) })],
    [
      'another encrypted one',
      sealed({
        plain: (text) =>
          `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${encryptText(text, { recipient: ours })}</saml:EncryptedAssertion>`,
      }),
    ],
    [
      'a SHA-1 signature inside',
      (browser) =>
        sealResponse(
          writeResponse(browser.answer),
          'assertion',
          { key, signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' },
          (one) => encryptByHand(one, { recipient: ours }),
        ),
    ],
    [
      'canonicalization with comments inside',
      (browser) =>
        sealResponse(
          writeResponse(browser.answer),
          'assertion',
          { key, canonicalization: `${EXC_C14N}WithComments` },
          (one) => encryptByHand(one, { recipient: ours }),
        ),
    ],
  ])('%s', async (_, make) => {
    const browser = await waiting();
    const xml = await make(browser);
    const error = await postResponse(browser, xml).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: FAILED });
    // Nothing in it tells one from the other.
    expect((error as AppError).detail).toEqual({
      expected: 'a signed assertion, encrypted for one of 1 keys',
      received: 'something else',
    });
    expect((error as AppError).cause).toBeUndefined();
  });

  test('in a signed response, what is inside is told to the log', async () => {
    const browser = await waiting({ signed: 'response' });
    const xml = await sealAnswer(browser, key, {
      recipient: ours,
      plain: (text) => text.replace(NAME, `${NAME}<!-- -->`),
    });
    await expect(postResponse(browser, xml)).rejects.toMatchObject({
      code: FAILED,
      detail: { inside: 'saml.forbidden_markup' },
    });
  });

  test('the signature of a response is verified before anything is decrypted', async () => {
    for (const signed of ['response', 'both'] as const) {
      const browser = await waiting({ signed });
      const xml = await sealAnswer(browser, key, { recipient: ours });
      const other = encryptByHand(evil(browser), { recipient: ours });
      const [forged] = /<saml:EncryptedAssertion>.*<\/saml:EncryptedAssertion>/s.exec(other) ?? [
        '',
      ];
      const changed = xml.replace(
        /<saml:EncryptedAssertion>.*<\/saml:EncryptedAssertion>/s,
        forged,
      );
      await expectRefused(browser, changed, 'saml.digest_mismatch');
    }
  });

  test('NameIDs and attributes that are encrypted by themselves are refused by name', async () => {
    for (const changes of [
      { subjectXml: '<saml:Subject><saml:EncryptedID/></saml:Subject>' },
      {
        moreAssertionXml:
          '<saml:AttributeStatement><saml:EncryptedAttribute/></saml:AttributeStatement>',
      },
    ]) {
      const browser = await waiting();
      const text = writeResponse({ ...browser.answer, ...changes });
      await expectRefused(
        browser,
        signXml(text, 'assertion', { key }),
        'saml.encrypted_not_supported',
      );
      const xml = await sealResponse(text, 'assertion', { key }, (one) =>
        encryptByHand(one, { recipient: ours }),
      );
      await expectRefused(browser, xml, 'saml.encrypted_not_supported');
    }
  });
});

describe('the shape', () => {
  const once = (from: string | RegExp, to: string) => (xml: string) => {
    const changed = xml.replace(from, to);
    if (changed === xml) throw new Error(`the fixture has no ${from}`);
    return changed;
  };

  test.each<readonly [string, string, Partial<EncryptWith>, (xml: string) => string]>([
    [
      'two EncryptedKeys',
      'saml.malformed',
      {},
      (xml) => xml.replace(/<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/s, '$&$&'),
    ],
    [
      'two EncryptedData',
      'saml.malformed',
      {},
      (xml) => xml.replace(/<xenc:EncryptedData .*<\/xenc:EncryptedData>/s, '$&$&'),
    ],
    [
      'two EncryptedAssertions',
      'saml.not_one_assertion',
      {},
      (xml) => xml.replace(/<saml:EncryptedAssertion>.*<\/saml:EncryptedAssertion>/s, '$&$&'),
    ],
    [
      'a plain one beside it',
      'saml.not_one_assertion',
      {},
      (xml) => xml.replace('<saml:EncryptedAssertion>', '<saml:Assertion/>$&'),
    ],
    [
      'an encrypted one in Extensions',
      'saml.malformed',
      {},
      (xml) =>
        xml
          .replace('<samlp:Status>', '<samlp:Extensions>')
          .replace('</samlp:Status>', '')
          .replace('</samlp:Response>', '</samlp:Extensions></samlp:Response>'),
    ],
    ['content in place of an element', FAILED, {}, once('xmlenc#Element"', 'xmlenc#Content"')],
    [
      'a reference to elsewhere',
      FAILED,
      {},
      once(
        /<xenc:CipherValue>\n.*\n<\/xenc:CipherValue>/s,
        '<xenc:CipherReference URI="http://127.0.0.1:1/"/>',
      ),
    ],
    ['no key', FAILED, {}, once(/<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/s, '')],
    ['a key of another name', FAILED, { beside: true }, once('URI="#_key"', 'URI="#_other"')],
    [
      'a name that is a query',
      FAILED,
      { beside: true },
      (xml) =>
        xml
          .replace('URI="#_key"', `URI="#_key' or '1'='1"`)
          .replace('Id="_key"', `Id="_key' or '1'='1"`),
    ],
    [
      'a key from the network',
      FAILED,
      { beside: true },
      once('URI="#_key"', 'URI="http://127.0.0.1:1/#_key"'),
    ],
    [
      'a second ciphertext',
      FAILED,
      {},
      once(
        '<xenc:CipherData><xenc:CipherValue>\n',
        '<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue><xenc:CipherValue>\n',
      ),
    ],
    [
      'a ciphertext among the names of keys',
      FAILED,
      {},
      once('<ds:X509Data>', '<x:CipherValue xmlns:x="urn:x">AAAA</x:CipherValue><ds:X509Data>'),
    ],
    ['no base64', FAILED, {}, once('<xenc:CipherValue>\n', '<xenc:CipherValue>!')],
    ['no ciphertext', FAILED, {}, once(/<xenc:CipherValue>\n.*\n</s, '<xenc:CipherValue><')],
    ['text between', FAILED, {}, once('<saml:EncryptedAssertion>', '<saml:EncryptedAssertion>x')],
    [
      'another namespace',
      FAILED,
      {},
      once(
        '<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"',
        '<xenc:EncryptedData xmlns:xenc="urn:x"',
      ),
    ],
    ['a label', FAILED, { methodXml: '<xenc:OAEPparams>AAAA</xenc:OAEPparams>' }, (xml) => xml],
    [
      'a mask',
      'saml.algorithm_not_allowed',
      {
        methodXml:
          '<x:MGF xmlns:x="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>',
      },
      (xml) => xml,
    ],
    [
      'SHA-256 in OAEP',
      'saml.algorithm_not_allowed',
      { methodXml: digest('http://www.w3.org/2001/04/xmlenc#sha256') },
      (xml) => xml,
    ],
    [
      'OAEP with two hashes',
      'saml.algorithm_not_allowed',
      oaep11({ digest: SHA256, mask: 'mgf1sha1' }),
      (xml) => xml,
    ],
    [
      'OAEP with SHA-256 and the mask that is meant where none is said',
      'saml.algorithm_not_allowed',
      oaep11({ digest: SHA256 }),
      (xml) => xml,
    ],
    [
      'OAEP with SHA-512',
      'saml.algorithm_not_allowed',
      oaep11({ digest: 'http://www.w3.org/2001/04/xmlenc#sha512', mask: 'mgf1sha512' }),
      (xml) => xml,
    ],
    ['OAEP with a label', FAILED, oaep11({ label: 'AAAA' }), (xml) => xml],
    ['OAEP with two masks', FAILED, OAEP_SHA256, once(/<xenc11:MGF [^>]*>/, '$&$&')],
    [
      'OAEP with a mask of another namespace',
      FAILED,
      OAEP_SHA256,
      once('xmlns:xenc11="http://www.w3.org/2009/xmlenc11#"', 'xmlns:xenc11="urn:x"'),
    ],
    [
      'OAEP that names its mask elsewhere',
      FAILED,
      oaep11({}),
      once('<ds:X509Data>', '<x:MGF xmlns:x="urn:x"/><ds:X509Data>'),
    ],
    [
      'OAEP in disguise',
      'saml.algorithm_not_allowed',
      OAEP_SHA256,
      once(RSA_OAEP_11, RSA_OAEP_11.replace('h', '&#104;')),
    ],
    ['RSA 1.5', 'saml.algorithm_not_allowed', { keyTransport: RSA_1_5 }, (xml) => xml],
    ['AES-128-CBC', 'saml.algorithm_not_allowed', { cipher: AES_128_CBC }, (xml) => xml],
    ['AES-256-CBC', 'saml.algorithm_not_allowed', { cipher: AES_256_CBC }, (xml) => xml],
    [
      'AES-256-CBC in disguise',
      'saml.algorithm_not_allowed',
      { cipher: AES_256_CBC },
      once(/Algorithm="http:([^"]*cbc)"/, 'Algorithm="&#104;ttp:$1"'),
    ],
    [
      '3DES',
      'saml.algorithm_not_allowed',
      {},
      once(AES_256_GCM, 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc'),
    ],
    [
      'a shell full of elements',
      'saml.too_much_unsigned',
      {},
      once(
        '<samlp:Status>',
        `<samlp:Extensions>${'<a/>'.repeat(300)}</samlp:Extensions><samlp:Status>`,
      ),
    ],
  ])('%s is refused', async (_, code, options, change) => {
    const browser = await waiting();
    const xml = change(await sealAnswer(browser, key, { recipient: ours, ...options }));
    await expectRefused(browser, xml, code);
  });
});

describe.each(TRANSPORTS)('a changed ciphertext: %s', (_, transport) => {
  const flip = (n: number, bit: number) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    const at = n % bytes.length;
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
    return changed;
  };
  const cut = (from: number, to?: number) => (bytes: Buffer) => bytes.subarray(from, to);

  test.each<readonly [string, Partial<EncryptWith>]>([
    ['the nonce', { spoilContent: flip(3, 0) }],
    ['the first block', { spoilContent: flip(12, 7) }],
    ['the last block', { spoilContent: (bytes) => flip(bytes.length - 17, 0)(bytes) }],
    ['the tag', { spoilContent: (bytes) => flip(bytes.length - 1, 0)(bytes) }],
    ['a tag of 12 bytes', { spoilContent: cut(0, -4) }],
    ['a tag of 4 bytes', { spoilContent: cut(0, -12) }],
    ['no tag', { spoilContent: cut(0, -16) }],
    ['nothing but nonce and tag', { spoilContent: cut(0, 28) }],
    ['one byte', { spoilContent: cut(0, 1) }],
    ['the first byte of the key', { spoilKey: flip(0, 7) }],
    ['the last byte of the key', { spoilKey: flip(255, 0) }],
    ['a key that is cut off', { spoilKey: cut(0, 200) }],
    ['a key of zeros', { spoilKey: (bytes) => Buffer.alloc(bytes.length) }],
    ['a key larger than the modulus', { spoilKey: (bytes) => Buffer.alloc(bytes.length, 255) }],
    ['a longer key', { spoilKey: (bytes) => Buffer.concat([bytes, bytes]) }],
  ])('%s', async (_, options) => {
    for (const keys of [ownDecryptionKeys(ours), ownDecryptionKeys(next, ours)]) {
      const browser = await waiting({ keys });
      await expectRefused(
        browser,
        await sealAnswer(browser, key, { ...transport, recipient: ours, ...options }),
        FAILED,
      );
    }
  });

  test('wherever it is, and whoever signed the response around it', async () => {
    const requestId = newId();
    const place = fc.record({
      where: fc.constantFrom('spoilContent', 'spoilKey'),
      at: fc.nat(5000),
      bit: fc.nat(7),
      signed: fc.constantFrom(...PARTS),
    });
    await fc.assert(
      fc.asyncProperty(place, async ({ where, at, bit, signed }) => {
        const keys = ownDecryptionKeys(ours);
        const connection = testConnection(idp, { keys, signed });
        const browser = await sendBrowser(connection, mapReplayMemory(), requestId);
        const options = { ...transport, recipient: ours, [where]: flip(at, bit) };
        const xml = await sealAnswer(browser, key, options);
        const error = await postResponse(browser, xml).catch((one: unknown) => one);
        expect(error).toBeInstanceOf(AppError);
        expect(error).toMatchObject({ code: FAILED });
      }),
      { numRuns: 60 },
    );
  });
});
