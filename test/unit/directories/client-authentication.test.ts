import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import {
  byBasic,
  byFederatedToken,
  byPrivateKey,
} from '@rollcall/sweeper/directories/client-authentication';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';

const URL_OF_TOKENS = new URL('https://login.example/tenant/oauth2/v2.0/token');
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY = { privateKey: async () => PEM, keyId: 'key-1', algorithm: 'PS256' as const };

describe('a signed statement', () => {
  it('is for the token endpoint, for two minutes, once', async () => {
    const authenticate = byPrivateKey('client', KEY);
    const [first, second] = [await authenticate(URL_OF_TOKENS), await authenticate(URL_OF_TOKENS)];
    const { payload, protectedHeader } = await jwtVerify(
      first.form.client_assertion ?? '',
      publicKey,
      { audience: URL_OF_TOKENS.href, issuer: 'client', subject: 'client' },
    );
    expect(protectedHeader).toEqual({ alg: 'PS256', typ: 'JWT', kid: 'key-1' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
    expect(first.form.client_assertion).not.toBe(second.form.client_assertion);
    expect(first.form.client_assertion_type).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    );
  });

  it('names the certificate by its thumbprint', async () => {
    const { cert } = await generate([{ name: 'commonName', value: 'rollcall' }]);
    const authenticate = byPrivateKey('client', {
      ...KEY,
      keyId: null,
      certificate: async () => cert,
    });
    const { form } = await authenticate(URL_OF_TOKENS);
    const header = decodeProtectedHeader(form.client_assertion ?? '');
    const thumbprint = createHash('sha256').update(new X509Certificate(cert).raw);
    expect(header).toEqual({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': thumbprint.digest('base64url'),
    });
  });

  it.each([
    ['no key', 'very secret'],
    ['another kind of key', PEM.replace('BEGIN PRIVATE', 'BEGIN RSA PRIVATE')],
  ])('is none where there is %s, and quotes nothing', async (_name, pem) => {
    const outcome = byPrivateKey('client', { ...KEY, privateKey: async () => pem })(URL_OF_TOKENS);
    await expect(outcome).rejects.toMatchObject({ fault: 'unauthorized' });
    await expect(outcome).rejects.not.toThrow(pem.slice(0, 40));
  });
});

it('sends id and secret by HTTP Basic as RFC 6749 §2.3.1 has it', async () => {
  const { headers, form } = await byBasic('a:b', async () => 'p%q')(URL_OF_TOKENS);
  const expected = Buffer.from('a%3Ab:p%25q').toString('base64');
  expect(headers).toEqual({ authorization: `Basic ${expected}` });
  expect(form).toEqual({});
});

it('reads the token of a workload anew each time', async () => {
  let reads = 0;
  const authenticate = byFederatedToken('client', async () => `token-${++reads}`);
  await authenticate(URL_OF_TOKENS);
  expect((await authenticate(URL_OF_TOKENS)).form.client_assertion).toBe('token-2');
});
