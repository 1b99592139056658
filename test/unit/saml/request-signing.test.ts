import { createPublicKey, verify } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { attributeOf, PROTOCOL_NS, requireChild } from '@rollcall/jit-auth/saml/element';
import type { IdentityProvider } from '@rollcall/jit-auth/saml/identity-provider';
import { parseWithLibxml } from '@rollcall/jit-auth/saml/libxml-element';
import type { OwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import { newSecret } from '@rollcall/jit-auth/saml/pending-request';
import { startSignIn } from '@rollcall/jit-auth/saml/request';
import type { SamlConnection } from '@rollcall/jit-auth/saml/saml-connection';
import { noticeSettings } from '@rollcall/jit-auth/saml/start-notices';
import { AppError } from '@rollcall/shared/core/errors';
import { toEpochMs } from '@rollcall/shared/core/time';
import { createLog } from '@rollcall/shared/telemetry/log';
import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { ownDecryptionKeys, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const [idpKey, ours, next] = await Promise.all([makeTestKey(), makeTestKey(), makeTestKey()]);
const keys: OwnKeys = { signing: ownDecryptionKeys(ours, next).decryption, decryption: [] };
const wants: Partial<IdentityProvider> = { wantAuthnRequestsSigned: true };
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

type Changes = Parameters<typeof testConnection>[1];

function connectionTo(idp: Partial<IdentityProvider>, changes: Changes): SamlConnection {
  return testConnection(testIdp(idpKey, idp), changes);
}

/** The address as it is sent, as text: a signature is over its very octets. */
function addressOf(connection: SamlConnection): Promise<string> {
  const deps = { connection, memory: mapReplayMemory(), now: toEpochMs(Date.now()) };
  return startSignIn({ browser: newSecret(), returnTo: '/' }, deps);
}

/** As a provider checks it (SAML Bindings §3.4.4.1): cut out of the query, never written anew. */
function isSigned(address: string, certificate: string): boolean {
  const query = address.slice(address.indexOf('?') + 1).split('&');
  const raw = (name: string) => query.find((part) => part.startsWith(`${name}=`)) ?? '';
  const octets = ['SAMLRequest', 'RelayState', 'SigAlg'].map(raw).join('&');
  expect(decodeURIComponent(raw('SigAlg'))).toBe(`SigAlg=${RSA_SHA256}`);
  const signature = Buffer.from(decodeURIComponent(raw('Signature').slice(10)), 'base64');
  return verify('sha256', Buffer.from(octets), createPublicKey(certificate), signature);
}

describe('requests are signed', () => {
  test.each<readonly [string, Partial<IdentityProvider>, Changes]>([
    ['where the provider wants it and there is a key', wants, { keys }],
    ['always', {}, { keys, signRequests: 'always' }],
    [
      'at an address with a query',
      { ...wants, ssoUrl: 'https://i.example/s?a=b~c%20d&e' },
      { keys },
    ],
  ])('%s', async (_, idp, changes) => {
    // Often enough for base64 with +, / and = in it.
    for (let n = 0; n < 20; n++) {
      const address = await addressOf(connectionTo(idp, changes));
      expect(isSigned(address, ours.certificate)).toBe(true);
      expect(isSigned(address, next.certificate)).toBe(false);
      const other = address.replace(/RelayState=./, 'RelayState=-');
      if (other !== address) expect(isSigned(other, ours.certificate)).toBe(false);
    }
  });

  test('as the provider is at the time, not as it was at the start', async () => {
    const connection = connectionTo({}, { keys });
    expect(await addressOf(connection)).not.toContain('Signature=');
    const later = { ...connection, idp: { ...connection.idp, ...wants } };
    expect(isSigned(await addressOf(later), ours.certificate)).toBe(true);
  });
});

describe('requests are not signed', () => {
  test.each<readonly [string, Partial<IdentityProvider>, Changes]>([
    ['where nobody wants it', {}, { keys }],
    ['never', wants, { keys, signRequests: 'never' }],
    ['without a key', wants, {}],
  ])('%s', async (_, idp, changes) => {
    const address = await addressOf(connectionTo(idp, changes));
    const names = [...new URL(address).searchParams.keys()];
    expect(names).toEqual(['SAMLRequest', 'RelayState']);
  });

  test('and do not go out at all where they must be and there is no key', async () => {
    await expect(addressOf(connectionTo({}, { signRequests: 'always' }))).rejects.toMatchObject({
      code: 'saml.signing_key_missing',
    });
  });
});

test.each<readonly [string, Partial<IdentityProvider>, Changes, RegExp | null]>([
  ['the provider wants what there is no key for', wants, {}, /there is no key under signing/],
  ['the provider wants what is never done', wants, { keys, signRequests: 'never' }, /never/],
  ['the provider gets what it wants', wants, { keys }, null],
  ['the provider wants nothing', {}, {}, null],
])('a start says so where %s', (_, idp, changes, message) => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line: string) => lines.push(line) });
  noticeSettings(connectionTo(idp, changes), log);
  if (message === null) expect(lines).toEqual([]);
  else {
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'warn',
        event: 'connection.requests_unsigned',
        connection: 'acme',
        message: expect.stringMatching(message),
      },
    ]);
  }
});

test('a start while nothing is known of the provider says nothing of it', () => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line: string) => lines.push(line) });
  const connection = connectionTo(wants, {});
  const unavailable = (): never => {
    throw new AppError('connection.unavailable', 'Not now.', { detail: {} });
  };
  noticeSettings(Object.defineProperty({ ...connection }, 'idp', { get: unavailable }), log);
  expect(lines).toEqual([]);
});

describe('the class of authentication', () => {
  const requestOf = async (changes: Changes) => {
    const url = new URL(await addressOf(connectionTo({}, changes)));
    const deflated = Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64');
    return parseWithLibxml(inflateRawSync(deflated).toString('utf8'));
  };

  test('is asked for, exactly one of those that are configured', async () => {
    const authnContext = [
      'urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos',
      'https://refeds.org/profile/mfa?a&b',
    ];
    const asked = requireChild(
      await requestOf({ authnContext }),
      PROTOCOL_NS,
      'RequestedAuthnContext',
    );
    expect(attributeOf(asked, 'Comparison')).toBe('exact');
    expect(asked.children.map(({ name, text }) => [name, text])).toEqual(
      authnContext.map((one) => ['AuthnContextClassRef', one]),
    );
  });

  test('is not asked for otherwise', async () => {
    const { children } = await requestOf({});
    expect(children.map(({ name }) => name)).toEqual(['Issuer', 'NameIDPolicy']);
  });
});
