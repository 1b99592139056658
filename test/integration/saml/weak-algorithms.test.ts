import type { WeakAlgorithm } from '@rollcall/jit-auth/saml/algorithms';
import { noticeSettings } from '@rollcall/jit-auth/saml/start-notices';
import { createLog } from '@rollcall/shared/telemetry/log';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { askFirst, askSecond } from '../../fixtures/saml/both-verifiers.ts';
import {
  AES_128_CBC,
  AES_256_CBC,
  AES_256_GCM,
  type EncryptWith,
  encryptByPackage,
  RSA_1_5,
  RSA_OAEP,
  SHA1,
  sealAnswer,
  sealResponse,
} from '../../fixtures/saml/encrypt-xml.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  ownDecryptionKeys,
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
} from '../../fixtures/saml/sign-in.ts';
import { type SignedPart, signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const [key, ours, next] = await Promise.all([makeTestKey(), makeTestKey(), makeTestKey()]);
const idp = testIdp(key);
const NAME = '00u1mary';
const NOT_ALLOWED = 'saml.algorithm_not_allowed';
const RSA_SHA1 = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1';

// The package of the second verifier says on the console what the log has said at the start.
beforeAll(() => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
  return () => warn.mockRestore();
});

function waiting(weakAlgorithms: readonly WeakAlgorithm[], signed: SignedPart = 'assertion') {
  const keys = ownDecryptionKeys(next, ours);
  const connection = testConnection(idp, { keys, signed, weakAlgorithms });
  return sendBrowser(connection, mapReplayMemory());
}

describe('a weak signature', () => {
  const rows: readonly [string, WeakAlgorithm, WeakAlgorithm, object][] = [
    ['SHA-1 signature', 'sha1_signature', 'sha1_digest', { signatureAlgorithm: RSA_SHA1 }],
    ['SHA-1 digest', 'sha1_digest', 'sha1_signature', { digestAlgorithm: SHA1 }],
  ];
  describe.each(rows)('%s', (_, name, other, options) => {
    test.each(['assertion', 'response', 'both'] as const)(
      'is taken where it is named, %s-signed',
      async (signed) => {
        const browser = await waiting([name], signed);
        const xml = signXml(writeResponse(browser.answer), signed, { key, ...options });
        expect(await askFirst(browser, xml)).toEqual({ nameId: NAME });
        expect(await askSecond(browser, xml)).toEqual({ nameId: NAME });
        expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(NAME);
      },
    );

    test.each([[[]], [[other]], [['rsa1_5', 'aes_cbc']]] as const)(
      'is refused where only %j is',
      async (weak) => {
        const browser = await waiting(weak, 'response');
        const xml = signXml(writeResponse(browser.answer), 'response', { key, ...options });
        await expect(postResponse(browser, xml)).rejects.toMatchObject({ code: NOT_ALLOWED });
        expect(await askFirst(browser, xml)).toEqual({ code: NOT_ALLOWED });
      },
    );
  });

  test('is refused inside an encrypted assertion unless it is named, whatever OAEP uses', async () => {
    for (const [weak, taken] of [
      [['sha1_digest'], true],
      [[], false],
    ] as const) {
      const browser = await waiting(weak);
      const xml = await sealResponse(
        writeResponse(browser.answer),
        'assertion',
        { key, digestAlgorithm: SHA1 },
        (one) => encryptByPackage(one, ours),
      );
      const answer = postResponse(browser, xml);
      if (taken) expect((await answer).assertion.nameId.value).toBe(NAME);
      else await expect(answer).rejects.toMatchObject({ code: 'saml.decryption_failed' });
    }
  });

  test('SHA-1 over the response is no digest of OAEP', async () => {
    const browser = await waiting([], 'response');
    const signWith = { key, digestAlgorithm: SHA1 };
    const xml = await sealResponse(writeResponse(browser.answer), 'response', signWith, (one) =>
      encryptByPackage(one, ours),
    );
    await expect(postResponse(browser, xml)).rejects.toMatchObject({ code: NOT_ALLOWED });
  });
});

describe('weak encryption', () => {
  const rows: readonly [WeakAlgorithm, WeakAlgorithm, string, string][] = [
    ['rsa1_5', 'aes_cbc', AES_256_GCM, RSA_1_5],
    ['aes_cbc', 'rsa1_5', AES_128_CBC, RSA_OAEP],
    ['aes_cbc', 'rsa1_5', AES_256_CBC, RSA_OAEP],
  ];
  describe.each(rows)('%s', (name, other, cipher, keyTransport) => {
    const options: EncryptWith = { recipient: ours, cipher, keyTransport };

    test.each(['response', 'both'] as const)(
      'is read where it is named, signed: %s',
      async (signed) => {
        const browser = await waiting([name], signed);
        const byHand = await sealAnswer(browser, key, options);
        expect(await askFirst(browser, byHand)).toEqual({ nameId: NAME });
        expect((await postResponse(browser, byHand)).assertion.nameId.value).toBe(NAME);
        const again = await waiting([name], signed);
        const xml = await sealResponse(writeResponse(again.answer), signed, { key }, (one) =>
          encryptByPackage(one, ours, cipher, keyTransport),
        );
        expect((await postResponse(again, xml)).assertion.nameId.value).toBe(NAME);
      },
    );

    test('is refused where only another is named', async () => {
      const browser = await waiting([other], 'both');
      const xml = await sealAnswer(browser, key, options);
      await expect(postResponse(browser, xml)).rejects.toMatchObject({ code: NOT_ALLOWED });
      expect(await askFirst(browser, xml)).toEqual({ code: NOT_ALLOWED });
    });

    // Also what is encrypted well: the weak way would open it, too.
    test.each([options, { recipient: ours }])('needs a signed response', async (used) => {
      const browser = await waiting([name]);
      const xml = await sealAnswer(browser, key, used);
      await expect(postResponse(browser, xml)).rejects.toMatchObject({
        code: 'saml.signature_missing',
      });
    });

    test('whatever is wrong inside has one refusal', async () => {
      const spoil = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([7])]);
      for (const changes of [
        { spoilKey: spoil },
        { spoilKey: (bytes: Buffer) => Buffer.alloc(bytes.length, 1) },
        { spoilContent: spoil },
        { spoilContent: (bytes: Buffer) => bytes.subarray(0, -16) },
        { spoilContent: (bytes: Buffer) => bytes.subarray(0, -1) },
        { plain: (text: string) => text.replace(NAME, 'admin') },
        { plain: () => 'hello' },
      ]) {
        const browser = await waiting([name], 'both');
        const xml = await sealAnswer(browser, key, { ...options, ...changes });
        await expect(postResponse(browser, xml)).rejects.toMatchObject({
          code: 'saml.decryption_failed',
          detail: { received: 'something else' },
        });
        await expect(postResponse(browser, xml)).rejects.not.toHaveProperty('detail.inside');
      }
    });
  });
});

test('each start warns of a connection that names one', () => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line: string) => lines.push(line) });
  noticeSettings(testConnection(idp), log);
  expect(lines).toEqual([]);
  noticeSettings(testConnection(idp, { weakAlgorithms: ['rsa1_5', 'aes_cbc'] }), log);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: 'warn',
      event: 'connection.weak_algorithm',
      connection: 'acme',
      algorithms: ['rsa1_5', 'aes_cbc'],
    },
  ]);
});
