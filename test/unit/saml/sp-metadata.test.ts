import {
  attributeOf,
  childrenOf,
  type Element,
  PROTOCOL_NS,
  requireChild,
} from '@rollcall/jit-auth/saml/element';
import { parseWithLibxml } from '@rollcall/jit-auth/saml/libxml-element';
import { loadOwnKeys, NO_KEYS, type OwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import { serviceProvider } from '@rollcall/jit-auth/saml/saml-connection';
import {
  type DescribedConnection,
  type MetadataPromises,
  spMetadata,
} from '@rollcall/jit-auth/saml/sp-metadata';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { describe, expect, test } from 'vitest';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const MD = 'urn:oasis:names:tc:SAML:2.0:metadata';
const DS = 'http://www.w3.org/2000/09/xmldsig#';
const BINDINGS = 'urn:oasis:names:tc:SAML:2.0:bindings';

const made = await Promise.all([makeTestKey(), makeTestKey(), makeTestKey(), makeTestKey()]);
const env = Object.fromEntries(
  made.map(({ key, certificate }, index) => [`KEY${index}`, `${key}\n${certificate}`]),
);
const references = (...names: number[]) =>
  names.map((index) => ({ kind: 'env' as const, name: `KEY${index}` }));
const keys: OwnKeys = await loadOwnKeys(
  { signing: references(0, 1), decryption: references(2, 3) },
  env,
);

type Changes = Partial<DescribedConnection & MetadataPromises>;

function metadataOf(changes: Changes = {}): Element {
  return parseWithLibxml(
    spMetadata(
      {
        sp: serviceProvider('https://auth.example.com/', toConnectionId('acme')),
        signed: 'assertion',
        keys: NO_KEYS,
        weakAlgorithms: [],
        ...changes,
      },
      { signsRequests: false, nameIdFormat: null, ...changes },
    ),
  );
}
const roleOf = (changes: Changes = {}) => requireChild(metadataOf(changes), MD, 'SPSSODescriptor');

describe('our metadata', () => {
  test('names the connection and where responses go', () => {
    const entity = metadataOf();
    expect(attributeOf(entity, 'entityID')).toBe('https://auth.example.com/saml/acme/metadata');
    expect([...entity.attributes.keys()]).toEqual(['entityID']);
    const role = requireChild(entity, MD, 'SPSSODescriptor');
    expect(attributeOf(role, 'WantAssertionsSigned')).toBe('true');
    expect(attributeOf(role, 'AuthnRequestsSigned')).toBe('false');
    expect(attributeOf(role, 'protocolSupportEnumeration')).toBe(PROTOCOL_NS);
    const acs = requireChild(role, MD, 'AssertionConsumerService');
    expect(Object.fromEntries(acs.attributes)).toEqual({
      Binding: `${BINDINGS}:HTTP-POST`,
      Location: 'https://auth.example.com/saml/acme/acs',
      index: '0',
      isDefault: 'true',
    });
  });

  test('escapes what an address may hold', () => {
    const entityId = `https://a.example/?a=1&b='"<>`;
    const sp = { entityId, acsUrl: 'https://a.example/?a&b', sloUrl: 'https://a.example/?c' };
    expect(attributeOf(metadataOf({ sp }), 'entityID')).toBe(entityId);
  });

  test('wants assertions signed unless only responses are', () => {
    const wanted = (['assertion', 'both', 'response'] as const).map((signed) =>
      attributeOf(roleOf({ signed }), 'WantAssertionsSigned'),
    );
    expect(wanted).toEqual(['true', 'true', 'false']);
  });

  test('says that requests are signed where they are', () => {
    expect(attributeOf(roleOf({ signsRequests: true }), 'AuthnRequestsSigned')).toBe('true');
  });

  test('has each of our keys, the next ones too, and never a private one', () => {
    const descriptors = childrenOf(roleOf({ keys }), MD, 'KeyDescriptor');
    const shown = descriptors.map((descriptor) => {
      const data = requireChild(requireChild(descriptor, DS, 'KeyInfo'), DS, 'X509Data');
      const body = requireChild(data, DS, 'X509Certificate').text;
      return [attributeOf(descriptor, 'use'), body];
    });
    const bodies = made.map(({ certificate }) => certificate.replaceAll(/-----[^-]+-----|\s/g, ''));
    expect(shown).toEqual([
      ['signing', bodies[0]],
      ['signing', bodies[1]],
      ['encryption', bodies[2]],
      ['encryption', bodies[3]],
    ]);
    for (const { key } of made) {
      const text = JSON.stringify(descriptors);
      expect(text).not.toContain(key.split('\n').at(-4));
    }
  });

  test('asks for the encryption that is accepted, weak one only where it is asked for', () => {
    const methodsOf = (changes: Changes) =>
      childrenOf(roleOf({ keys, ...changes }), MD, 'KeyDescriptor').map((descriptor) =>
        childrenOf(descriptor, MD, 'EncryptionMethod').map((method) =>
          attributeOf(method, 'Algorithm')?.replace(/^.*#/, ''),
        ),
      );
    const oaep = ['rsa-oaep-mgf1p', 'rsa-oaep', 'rsa-oaep'];
    const strong = ['aes128-gcm', 'aes256-gcm', ...oaep];
    expect(methodsOf({})).toEqual([[], [], strong, strong]);
    expect(methodsOf({ weakAlgorithms: ['aes_cbc'] })[2]).toEqual([
      ...strong.slice(0, 2),
      'aes128-cbc',
      'aes256-cbc',
      ...oaep,
    ]);
  });

  test('names one hash in the digest and in the mask of RSA-OAEP', () => {
    const [, , encryption] = childrenOf(roleOf({ keys }), MD, 'KeyDescriptor');
    const named = (encryption?.children ?? [])
      .filter(({ children }) => children.length > 0 && children[0]?.name === 'DigestMethod')
      .map((method) => [method, ...method.children].map((one) => attributeOf(one, 'Algorithm')));
    const [oaep, xenc11] = [
      'http://www.w3.org/2009/xmlenc11#rsa-oaep',
      'http://www.w3.org/2009/xmlenc11',
    ];
    expect(named).toEqual([
      [oaep, 'http://www.w3.org/2000/09/xmldsig#sha1', `${xenc11}#mgf1sha1`],
      [oaep, 'http://www.w3.org/2001/04/xmlenc#sha256', `${xenc11}#mgf1sha256`],
    ]);
  });

  test('offers single logout only where there is a key to sign it', () => {
    const logouts = (changes: Changes) =>
      childrenOf(roleOf(changes), MD, 'SingleLogoutService').map((service) => [
        attributeOf(service, 'Binding'),
        attributeOf(service, 'Location'),
      ]);
    expect(logouts({})).toEqual([]);
    expect(logouts({ keys: { ...keys, signing: [] } })).toEqual([]);
    expect(logouts({ keys })).toEqual([
      [`${BINDINGS}:HTTP-Redirect`, 'https://auth.example.com/saml/acme/logout'],
      [`${BINDINGS}:HTTP-POST`, 'https://auth.example.com/saml/acme/logout'],
    ]);
  });

  test('keeps the order of the schema (SAML Metadata §2.4.1, §2.4.2, §2.4.4)', () => {
    const nameIdFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
    const role = roleOf({ keys, nameIdFormat });
    expect(role.children.map(({ name }) => name)).toEqual([
      ...Array.from({ length: 4 }, () => 'KeyDescriptor'),
      'SingleLogoutService',
      'SingleLogoutService',
      'NameIDFormat',
      'AssertionConsumerService',
    ]);
    const [, , encryption] = childrenOf(role, MD, 'KeyDescriptor');
    expect(encryption?.children.map(({ name }) => name)).toEqual([
      'KeyInfo',
      ...Array.from({ length: 5 }, () => 'EncryptionMethod'),
    ]);
  });
});
