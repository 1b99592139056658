import { inflateRawSync } from 'node:zlib';
import {
  ASSERTION_NS,
  attributeOf,
  PROTOCOL_NS,
  requireChild,
} from '@rollcall/jit-auth/saml/element';
import { parseWithLibxml } from '@rollcall/jit-auth/saml/libxml-element';
import {
  isSameBrowser,
  newSecret,
  takePendingRequest,
} from '@rollcall/jit-auth/saml/pending-request';
import { startSignIn } from '@rollcall/jit-auth/saml/request';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();

async function start(changes: Parameters<typeof testConnection>[1] = {}, ssoUrl?: string) {
  const connection = testConnection(testIdp(key, ssoUrl === undefined ? {} : { ssoUrl }), changes);
  const memory = mapReplayMemory();
  const browser = newSecret();
  const now = toEpochMs(Date.now());
  const url = new URL(
    await startSignIn({ browser, returnTo: '/a?b#c' }, { connection, memory, now }),
  );
  const deflated = Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64');
  const request = parseWithLibxml(inflateRawSync(deflated).toString('utf8'));
  return { connection, memory, browser, now, url, request };
}

describe('the request', () => {
  test('says what the profile wants, and nothing that would keep people out', async () => {
    const { connection, url, request } = await start();
    expect(url.origin + url.pathname).toBe('https://idp.example.com/sso');
    expect([...url.searchParams.keys()]).toEqual(['SAMLRequest', 'RelayState']);
    expect(request).toMatchObject({ namespace: PROTOCOL_NS, name: 'AuthnRequest' });
    expect(attributeOf(request, 'Version')).toBe('2.0');
    expect(attributeOf(request, 'Destination')).toBe('https://idp.example.com/sso');
    expect(attributeOf(request, 'AssertionConsumerServiceURL')).toBe(connection.sp.acsUrl);
    expect(attributeOf(request, 'ProtocolBinding')).toBe(
      'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    );
    expect(attributeOf(request, 'ForceAuthn')).toBeNull();
    expect(attributeOf(request, 'IsPassive')).toBeNull();
    expect(attributeOf(request, 'ID')).toMatch(/^_[0-9a-f]{40}$/);
    expect(requireChild(request, ASSERTION_NS, 'Issuer').text).toBe(connection.sp.entityId);
    const policy = requireChild(request, PROTOCOL_NS, 'NameIDPolicy');
    expect([...policy.attributes]).toEqual([['AllowCreate', 'false']]);
    expect(request.children.map((child) => child.name)).toEqual(['Issuer', 'NameIDPolicy']);
  });

  test('asks for a fresh sign-in, and for new identifiers, where the connection does', async () => {
    const { request } = await start({ forceAuthn: true, allowCreate: true });
    expect(attributeOf(request, 'ForceAuthn')).toBe('true');
    const policy = requireChild(request, PROTOCOL_NS, 'NameIDPolicy');
    expect(attributeOf(policy, 'AllowCreate')).toBe('true');
  });

  test('keeps the query that the address of the provider has', async () => {
    const { url } = await start({}, 'https://idp.example.com/sso?tenant=a%26b');
    expect(url.searchParams.get('tenant')).toBe('a&b');
    expect(url.searchParams.get('SAMLRequest')).not.toBeNull();
  });

  test('is remembered under an opaque RelayState, for this connection, once', async () => {
    const { connection, memory, browser, now, url, request } = await start();
    const relayState = url.searchParams.get('RelayState') ?? '';
    expect(relayState).toMatch(/^[\w-]{43}$/);
    expect(await takePendingRequest(memory, toConnectionId('other'), relayState)).toBeNull();
    const pending = await takePendingRequest(memory, connection.id, relayState);
    expect(pending).toMatchObject({
      requestId: attributeOf(request, 'ID'),
      connectionId: 'acme',
      returnTo: '/a?b#c',
      createdAt: now,
    });
    expect(JSON.stringify(pending)).not.toContain(browser);
    if (pending === null) throw new Error('no request');
    expect(isSameBrowser(pending, browser)).toBe(true);
    expect(isSameBrowser(pending, newSecret())).toBe(false);
    expect(isSameBrowser(pending, null)).toBe(false);
    expect(await takePendingRequest(memory, connection.id, relayState)).toBeNull();
  });

  test('never has the same names twice', async () => {
    const [a, b] = [await start(), await start()];
    expect(attributeOf(a.request, 'ID')).not.toBe(attributeOf(b.request, 'ID'));
    expect(a.url.searchParams.get('RelayState')).not.toBe(b.url.searchParams.get('RelayState'));
  });
});
