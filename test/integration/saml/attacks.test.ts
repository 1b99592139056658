import { createHmac, createSign } from 'node:crypto';
import { verifyResponse } from '@rollcall/jit-auth/saml/verify';
import { describe, expect, test } from 'vitest';
import { askFirst, askSecond } from '../../fixtures/saml/both-verifiers.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeAssertion, writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
  toForm,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { ENVELOPED, EXC_C14N, signXml } from '../../fixtures/saml/sign-xml.ts';
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

describe.each(['assertion', 'response'] as const)(
  'markup inside the signed NameID, signed: %s',
  (signed) => {
    const split: [string, string][] = [
      ['a comment', `${NAME.slice(0, 3)}<!-- -->${NAME.slice(3)}`],
      ['a comment after it', `${NAME}<!--@evil-->`],
      ['CDATA', `<![CDATA[${NAME}]]>`],
      ['a processing instruction', `<?p admin?>${NAME}`],
    ];
    test.each(split)('%s is refused', async (_, inside) => {
      const { browser, xml } = await good(signed);
      await expectRefused(browser, replaceOnce(xml, NAME, inside), 'saml.forbidden_markup');
    });

    // Canonical XML drops comments and unfolds CDATA: the signature stays valid, and
    // the whole signed value has to be read.
    test.each(split.slice(0, 3))('%s changes what neither verifier reads', async (_, inside) => {
      const { browser, xml } = await good(signed);
      const changed = replaceOnce(xml, NAME, inside);
      expect(await askFirst(browser, changed)).toEqual({ nameId: NAME });
      expect(await askSecond(browser, changed)).toEqual({ nameId: NAME });
    });

    test('a processing instruction breaks the signature for the first verifier', async () => {
      const { browser, xml } = await good(signed);
      const changed = replaceOnce(xml, NAME, `<?p not-?>${NAME}`);
      expect(await askFirst(browser, changed)).toEqual({ code: 'saml.digest_mismatch' });
    });

    test('a value signed with the prefix does not lose it to a processing instruction', async () => {
      const browser = await sendBrowser(testConnection(idp, { signed }), mapReplayMemory());
      const text = writeResponse({ ...browser.answer, nameId: 'not-admin@example.com' });
      const xml = signXml(text, signed, { key });
      const changed = replaceOnce(xml, 'not-admin@example.com', '<?p not-?>admin@example.com');
      await expectRefused(browser, changed, 'saml.forbidden_markup');
      expect(await askFirst(browser, changed)).toEqual({ code: 'saml.digest_mismatch' });
      const second = await askSecond(browser, changed);
      expect(second).not.toEqual({ nameId: 'admin@example.com' });
    });
  },
);

describe('a changed document', () => {
  test.each(['assertion', 'response', 'both'] as const)(
    '%s-signed: another NameID',
    async (signed) => {
      const { browser, xml } = await good(signed);
      const changed = replaceOnce(xml, NAME, 'admin');
      await expectRefused(browser, changed, 'saml.digest_mismatch');
      expect(await askSecond(browser, changed)).toEqual({ code: 'saml.second_verifier_refused' });
    },
  );

  test('a comment in DigestValue', async () => {
    const { browser, xml } = await good();
    const forged = replaceOnce(
      xml.replace(NAME, 'admin'),
      /<ds:DigestValue>([^<]*)/,
      '<ds:DigestValue><!--Zm9yZ2VkIGRpZ2VzdCB2YWx1ZQ==-->$1',
    );
    await expectRefused(browser, forged, 'saml.forbidden_markup');
    expect(await askFirst(browser, forged)).toEqual({ code: 'saml.digest_mismatch' });
    expect(await askSecond(browser, forged)).toEqual({ code: 'saml.second_verifier_refused' });
  });

  test('two SignedInfo', async () => {
    const { browser, xml } = await good();
    const signedInfo = /<ds:SignedInfo>.*<\/ds:SignedInfo>/.exec(xml)?.[0] ?? '';
    const forged = signedInfo.replace(/(<ds:DigestValue>)[^<]*/, '$1AAAA');
    for (const both of [forged + signedInfo, signedInfo + forged]) {
      const changed = replaceOnce(xml, signedInfo, both);
      const one = await sendBrowser(browser.connection, browser.memory, browser.requestId);
      await expectRefused(one, changed, 'saml.signature_malformed');
      expect(await askSecond(one, changed)).toEqual({ code: 'saml.second_verifier_refused' });
    }
  });

  test('two DigestValues, and two References', async () => {
    const { browser, xml } = await good();
    const value = /<ds:DigestValue>[^<]*<\/ds:DigestValue>/.exec(xml)?.[0] ?? '';
    await expectRefused(browser, xml.replace(value, value + value), 'saml.signature_malformed');
    const reference = /<ds:Reference .*<\/ds:Reference>/.exec(xml)?.[0] ?? '';
    await expectRefused(
      browser,
      replaceOnce(xml, reference, reference + reference),
      'saml.signature_malformed',
    );
  });

  test.each(['before', 'after'])('a second root %s the first', async (where) => {
    const { browser, xml } = await good();
    const evil = '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>';
    const changed = where === 'before' ? evil + xml : xml + evil;
    await expectRefused(browser, changed, 'saml.not_xml');
    expect(await askSecond(browser, changed)).toEqual({ code: 'saml.second_verifier_refused' });
  });

  test('an ID that occurs twice', async () => {
    const { browser, xml } = await good();
    const id = /<saml:Assertion ID="([^"]*)"/.exec(xml)?.[1] ?? '';
    for (const name of ['ID', 'Id', 'id', 'xml:id']) {
      const extra = `<samlp:Extensions><x ${name}="${id}"/></samlp:Extensions><samlp:Status>`;
      const changed = replaceOnce(xml, '<samlp:Status>', extra);
      await expectRefused(browser, changed, 'saml.reference_mismatch');
    }
  });

  test('a signature over another element than its own', async () => {
    const { browser, xml } = await good();
    const signature = /<ds:Signature .*<\/ds:Signature>/.exec(xml)?.[0] ?? '';
    const moved = replaceOnce(xml, signature, '').replace(
      '<samlp:Status>',
      `${signature}<samlp:Status>`,
    );
    await expectRefused(browser, moved, 'saml.signature_missing');
    const connection = testConnection(idp, { signed: 'response' });
    const other = await sendBrowser(connection, browser.memory, browser.requestId);
    await expectRefused(other, moved, 'saml.reference_mismatch');
  });

  test('a signature that is hidden deeper', async () => {
    const { browser, xml } = await good();
    const signature = /<ds:Signature .*<\/ds:Signature>/.exec(xml)?.[0] ?? '';
    const moved = replaceOnce(xml, signature, '').replace(
      '<samlp:Status>',
      `<samlp:Extensions>${signature}</samlp:Extensions><samlp:Status>`,
    );
    await expectRefused(browser, moved, 'saml.signature_malformed');
  });
});

describe('document types and entities', () => {
  const bomb = `<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>`;
  test.each([
    ['a document type', '<!DOCTYPE Response>'],
    ['an external document type', '<!DOCTYPE Response SYSTEM "http://127.0.0.1:1/x.dtd">'],
    ['an external entity', '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'],
    ['an entity bomb', bomb],
    ['one after a declaration', '<?xml version="1.0"?><!DOCTYPE Response>'],
    ['a stylesheet', '<?xml-stylesheet href="x.xsl"?>'],
    ['XML 1.1', '<?xml version="1.1"?>'],
    ['UTF-16', '<?xml version="1.0" encoding="UTF-16"?>'],
  ])('%s is refused', async (_, prolog) => {
    const { browser, xml } = await good();
    await expectRefused(browser, prolog + xml, 'saml.forbidden_markup');
  });

  test('an entity that nobody declared is refused', async () => {
    const { browser, xml } = await good();
    await expectRefused(browser, xml.replace(NAME, '&x;'), 'saml.not_xml');
  });

  test('libxml2 alone reads no file and no bomb', async () => {
    const { browser, xml } = await good();
    const file = `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${xml.replace(NAME, '&x;')}`;
    expect(await askFirst(browser, file)).toHaveProperty('code');
    const exploding = bomb.replace(']>', '<!ENTITY x "&c;&c;&c;">]>') + xml.replace(NAME, '&x;');
    expect(await askFirst(browser, exploding)).toHaveProperty('code');
  });

  test('a plain declaration is fine', async () => {
    const { browser, xml } = await good();
    const declared = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n${xml}`;
    expect((await postResponse(browser, declared)).assertion.nameId.value).toBe(NAME);
  });
});

describe('algorithms and keys', () => {
  async function signed(options: Partial<Parameters<typeof signXml>[2]>) {
    const { browser } = await good();
    return {
      browser,
      xml: signXml(writeResponse(browser.answer), 'assertion', { key, ...options }),
    };
  }

  test.each([
    ['SHA-1 signature', { signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }],
    ['SHA-1 digest', { digestAlgorithm: 'http://www.w3.org/2000/09/xmldsig#sha1' }],
    [
      'inclusive canonicalization',
      { canonicalization: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315' },
    ],
    ['canonicalization with comments', { transforms: [ENVELOPED, `${EXC_C14N}WithComments`] }],
  ])('%s is refused', async (_, options) => {
    const { browser, xml } = await signed(options);
    await expectRefused(browser, xml, 'saml.algorithm_not_allowed');
    // Also where the text would hide it.
    const hidden = xml.replaceAll('Algorithm="http:', 'Algorithm="&#104;ttp:');
    await expectRefused(browser, hidden, 'saml.algorithm_not_allowed');
    expect(await askFirst(browser, xml)).toEqual({ code: 'saml.algorithm_not_allowed' });
  });

  test.each([
    ['only the enveloped transform', [ENVELOPED]],
    ['a third transform', [ENVELOPED, EXC_C14N, EXC_C14N]],
    ['the transforms in the other order', [EXC_C14N, ENVELOPED]],
  ])('%s is refused', async (_, transforms) => {
    const { browser, xml } = await signed({ transforms });
    expect(await askFirst(browser, xml)).toMatchObject({
      code: expect.stringMatching(/^saml\.(signature_malformed|algorithm_not_allowed)$/),
    });
    await expect(postResponse(browser, xml)).rejects.toHaveProperty('code');
  });

  test('XSLT is refused', async () => {
    const { browser, xml } = await good();
    const xslt = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>';
    const changed = replaceOnce(xml, '<ds:Transforms>', `<ds:Transforms>${xslt}`);
    await expectRefused(browser, changed, 'saml.algorithm_not_allowed');
  });

  test('an HMAC with the public certificate as its secret is refused', async () => {
    const { browser, xml } = await good();
    const hmac = createHmac('sha256', key.certificate).update('SignedInfo').digest('base64');
    const changed = xml
      .replace(
        'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
        'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256',
      )
      .replace(/(<ds:SignatureValue>)[^<]*/, `$1${hmac}`);
    await expectRefused(browser, changed, 'saml.algorithm_not_allowed');
    expect(await askFirst(browser, changed)).toEqual({ code: 'saml.algorithm_not_allowed' });
    expect(await askSecond(browser, changed)).toEqual({ code: 'saml.second_verifier_refused' });
  });

  test('the certificate of an attacker in KeyInfo is not looked at', async () => {
    const { browser, xml } = await signed({ key: attacker });
    await expectRefused(browser, xml, 'saml.signature_invalid');
    expect(await askSecond(browser, xml)).toEqual({ code: 'saml.second_verifier_refused' });
    const disguised = await signed({ key: attacker, keyInfo: key.certificate });
    await expectRefused(disguised.browser, disguised.xml, 'saml.signature_invalid');
  });

  test('a signature over nothing does not carry a document that has no canonical form', async () => {
    const { browser, xml } = await good();
    const overNothing = createSign('sha256').update('').sign(key.key, 'base64');
    const changed = xml
      .replace('<ds:SignedInfo>', '<ds:SignedInfo xmlns:a="relative" a:b="c">')
      .replace(/(<ds:SignatureValue>)[^<]*/, `$1${overNothing}`)
      .replace(NAME, 'admin');
    await expectRefused(browser, changed, 'saml.not_canonical');
    const emptyDigest = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
    const empty = changed.replace(/(<ds:DigestValue>)[^<]*/, `$1${emptyDigest}`);
    expect(await askSecond(browser, empty)).toEqual({ code: 'saml.second_verifier_refused' });
  });

  test('a Signature of another namespace is none', async () => {
    const { browser, xml } = await good();
    const changed = replaceOnce(
      xml,
      'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
      'xmlns:ds="urn:x"',
    );
    await expectRefused(browser, changed, 'saml.signature_malformed');
  });
});

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

describe('namespaces', () => {
  test.each([
    [
      'of the response',
      'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"',
      'xmlns:samlp="urn:x"',
    ],
    [
      'of the assertion',
      'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"',
      'xmlns:saml="urn:x"',
    ],
  ])('another namespace %s, validly signed', async (_, from, to) => {
    const { browser } = await good();
    const xml = signXml(replaceOnce(writeResponse(browser.answer), from, to), 'assertion', { key });
    await expectRefused(browser, xml, 'saml.malformed');
  });

  test('a NameID of another namespace is none of ours', async () => {
    const { browser } = await good();
    const text = writeResponse(browser.answer)
      .replace('<saml:NameID ', '<NameID xmlns="urn:x" ')
      .replace('</saml:NameID>', '</NameID>');
    await expectRefused(browser, signXml(text, 'assertion', { key }), 'saml.malformed');
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

describe('the form', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['no response', {}, 'saml.response_missing'],
    ['an empty one', { SAMLResponse: '' }, 'saml.response_missing'],
    ['an object', { SAMLResponse: { a: 'b' } }, 'saml.response_missing'],
    ['two', { SAMLResponse: ['a', 'b'] }, 'saml.response_repeated'],
    ['no base64', { SAMLResponse: 'PHg+!!' }, 'saml.bad_base64'],
    ['base64url', { SAMLResponse: 'PHg-_w==' }, 'saml.bad_base64'],
    [
      'no UTF-8',
      { SAMLResponse: Buffer.from([0x3c, 0xff, 0xfe]).toString('base64') },
      'saml.bad_utf8',
    ],
    ['no XML', toForm('hello'), 'saml.not_xml'],
    ['broken XML', toForm('<a><b></a>'), 'saml.not_xml'],
    ['other XML', toForm('<html/>'), 'saml.malformed'],
    ['260 KB', toForm(`<a>${'x'.repeat(260 * 1024)}</a>`), 'saml.too_large'],
    ['5 MB', toForm(`<a>${'x'.repeat(5 * 1024 * 1024)}</a>`), 'saml.too_large'],
    ['10,000 elements', toForm(`<a>${'<b/>'.repeat(10_000)}</a>`), 'saml.too_many_elements'],
    ['three signatures', toForm(`<a>${'<Signature/>'.repeat(3)}</a>`), 'saml.too_many_signatures'],
  ])('%s is refused', async (_, form, code) => {
    const { browser } = await good();
    const { connection, memory, now, cookie, relayState } = browser;
    await expect(
      verifyResponse(
        { form: { ...form, RelayState: relayState }, browser: cookie },
        { connection, memory, now },
      ),
    ).rejects.toMatchObject({ code });
  });

  test('whatever is wrong, strangers read the same sentence', async () => {
    const { browser, xml } = await good();
    const sentences = new Set<string>();
    for (const text of ['hello', xml.replace(NAME, 'admin'), writeResponse(browser.answer)]) {
      await postResponse(browser, text).catch((error: Error) => sentences.add(error.message));
    }
    expect(sentences.size).toBe(1);
  });
});
