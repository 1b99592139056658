import { generateKeyPairSync } from 'node:crypto';
import { loadOwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import { generate } from 'selfsigned';
import { beforeAll, describe, expect, test } from 'vitest';

let pair: { private: string; cert: string };
let other: { private: string; cert: string };

beforeAll(async () => {
  [pair, other] = await Promise.all([
    generate([], { keySize: 2048 }),
    generate([], { keySize: 2048 }),
  ]);
});

const load = (pem: string) =>
  loadOwnKeys({ signing: [{ kind: 'env', name: 'OWN' }], decryption: [] }, { OWN: pem });
const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

describe('our own keys', () => {
  test.each(['key first', 'certificate first'])('are read from PEM text, %s', async (order) => {
    const parts = [pair.private, pair.cert];
    const { signing, decryption } = await load(
      (order === 'key first' ? parts : parts.reverse()).join('\n'),
    );
    expect(decryption).toEqual([]);
    expect(signing).toHaveLength(1);
    expect(signing[0]?.certificate.checkPrivateKey(signing[0].privateKey)).toBe(true);
    expect(signing[0]?.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  });

  test.each<[string, () => string, RegExp]>([
    ['no key', () => pair.cert, /one PRIVATE KEY in PEM.*received 0/],
    ['two keys', () => pair.private + other.private + pair.cert, /received 2/],
    ['no certificate', () => pair.private, /one CERTIFICATE in PEM.*received 0/],
    ['two certificates', () => pair.private + pair.cert + other.cert, /received 2/],
    ['the certificate of another key', () => pair.private + other.cert, /of this very key/],
    ['a short key', () => rsa1024 + pair.cert, /2048 bits or more, received rsa of 1024 bits/],
    ['a key of another kind', () => ec + pair.cert, /received ec/],
    [
      'a key that is none',
      () => `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${pair.cert}`,
      /expected a private key/,
    ],
  ])('%s: is refused, and the message holds no key', async (_name, pem, message) => {
    const refused = await load(pem()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'saml.own_key_unusable' });
    expect(String(refused)).toMatch(message);
    expect(String(refused)).toContain('env:OWN');
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toMatch(/BEGIN|AAAA/);
  });
});
