import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { parseMetadata } from '@rollcall/jit-auth/saml/metadata';
import { signingKeysOf } from '@rollcall/jit-auth/saml/signing-keys';
import { toEpochMs } from '@rollcall/shared/core/time';
import { generate } from 'selfsigned';
import { describe, expect, test } from 'vitest';
import {
  endpoint,
  keyDescriptor,
  type MetadataText,
  POST,
  REDIRECT,
  writeEntities,
  writeMetadata,
} from '../../fixtures/saml/idp-metadata.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const NOW = toEpochMs(Date.parse('2026-06-01T00:00:00Z'));
const ID = 'https://idp.example.com/metadata';
const key = await makeTestKey();
const second = await makeTestKey();
const small = await makeTestKey(1024);
const elliptic = await generate([{ name: 'commonName', value: 'EC' }], {
  keyType: 'ec',
  curve: 'P-256',
});

const parse = (text: MetadataText, entityId: string | null = null) =>
  parseMetadata(writeMetadata({ certificates: [key.certificate], ...text }), entityId, NOW);
const pem = (certificate: string) => new X509Certificate(certificate).toString();

describe('an identity provider', () => {
  test('is read from its metadata', () => {
    const sloXml = endpoint('SingleLogoutService', REDIRECT, 'https://idp.example.com/slo');
    expect(parse({ sloXml, roleAttributes: 'WantAuthnRequestsSigned="true"' })).toEqual({
      entityId: ID,
      ssoUrl: 'https://idp.example.com/sso',
      logoutEndpoints: [
        {
          binding: 'redirect',
          url: 'https://idp.example.com/slo',
          responseUrl: 'https://idp.example.com/slo',
        },
      ],
      certificates: [pem(key.certificate)],
      wantAuthnRequestsSigned: true,
    });
    expect(parse({})).toMatchObject({ logoutEndpoints: [], wantAuthnRequestsSigned: false });
  });

  test('takes logout messages by redirect and POST, the answers where it says so', () => {
    const slo = (binding: string, url: string, more = '') =>
      `<md:SingleLogoutService Binding="${binding}" Location="${url}"${more}/>`;
    const answers = ' ResponseLocation="https://idp.example.com/done"';
    const sloXml =
      slo('urn:oasis:names:tc:SAML:2.0:bindings:SOAP', 'https://idp.example.com/soap') +
      slo(POST, 'https://idp.example.com/post', answers) +
      slo(POST, 'https://idp.example.com/second') +
      slo(REDIRECT, 'javascript:alert(1)');
    expect(parse({ sloXml }).logoutEndpoints).toEqual([
      {
        binding: 'post',
        url: 'https://idp.example.com/post',
        responseUrl: 'https://idp.example.com/done',
      },
    ]);
    const both = sloXml + slo(REDIRECT, 'https://idp.example.com/slo');
    expect(parse({ sloXml: both }).logoutEndpoints.map(({ binding }) => binding)).toEqual([
      'redirect',
      'post',
    ]);
  });

  test('may have comments, a declaration, a byte order mark and other roles', () => {
    const xml = writeMetadata({ certificates: [key.certificate] })
      .replace('<md:IDPSSODescriptor', '<!-- before --><md:SPSSODescriptor/><md:IDPSSODescriptor')
      .replace('<ds:X509Certificate>', '<ds:X509Certificate><!-- x -->');
    const whole = `\uFEFF<?xml version="1.0" encoding="UTF-8"?>\n<!-- by hand -->\n${xml}`;
    expect(parseMetadata(whole, null, NOW).certificates).toEqual([pem(key.certificate)]);
  });

  test('may sign with several keys; those for encryption and repetitions are left out', () => {
    const keyXml =
      keyDescriptor(key.certificate) +
      keyDescriptor(second.certificate, null) +
      keyDescriptor(key.certificate, null) +
      keyDescriptor(small.certificate, 'encryption');
    expect(parse({ keyXml }).certificates).toEqual([pem(key.certificate), pem(second.certificate)]);
  });

  test('may have keys that cannot be used beside one that can', () => {
    const idp = parse({ certificates: [elliptic.cert, key.certificate] });
    expect(idp.certificates).toHaveLength(2);
    expect(signingKeysOf(idp).map((one) => one.certificate)).toEqual([pem(key.certificate)]);
  });

  test('is found among others by its entity id, also in groups of groups', () => {
    const other = writeMetadata({
      entityId: 'https://other.example.com',
      certificates: [second.certificate],
    });
    const mine = writeMetadata({ certificates: [key.certificate] });
    const xml = writeEntities(other, writeEntities(mine));
    expect(parseMetadata(xml, ID, NOW).certificates).toEqual([pem(key.certificate)]);
    expect(parseMetadata(writeEntities(mine), null, NOW).entityId).toBe(ID);
    expect(() => parseMetadata(xml, null, NOW)).toThrow(code('saml.metadata_ambiguous'));
    expect(() => parseMetadata(writeEntities(mine, mine), ID, NOW)).toThrow(
      code('saml.metadata_ambiguous'),
    );
    expect(() => parseMetadata(writeEntities(other), ID, NOW)).toThrow(
      code('saml.metadata_no_entity'),
    );
  });

  test('is valid until it says', () => {
    expect(parse({ validUntil: '2026-06-01T00:00:00.001Z' }).entityId).toBe(ID);
    for (const validUntil of ['2026-06-01T00:00:00Z', '2020-01-01T00:00:00Z', 'soon', '']) {
      expect(() => parse({ validUntil })).toThrow(code('saml.metadata_expired'));
    }
    expect(() => parse({ roleAttributes: 'validUntil="2020-01-01T00:00:00Z"' })).toThrow(
      code('saml.metadata_expired'),
    );
    const group = writeEntities(writeMetadata({ certificates: [key.certificate] })).replace(
      ' xmlns',
      ' validUntil="2020-01-01T00:00:00Z" xmlns',
    );
    expect(() => parseMetadata(group, null, NOW)).toThrow(code('saml.metadata_expired'));
  });
});

describe('what cannot be used', () => {
  test.each<[string, MetadataText]>([
    ['saml.metadata_no_entity', { entityId: '' }],
    ['saml.metadata_no_idp', { protocols: 'urn:oasis:names:tc:SAML:1.1:protocol' }],
    ['saml.metadata_no_redirect_sso', { ssoXml: '' }],
    [
      'saml.metadata_no_redirect_sso',
      { ssoXml: endpoint('SingleSignOnService', POST, 'https://a') },
    ],
    [
      'saml.metadata_no_redirect_sso',
      { ssoXml: endpoint('SingleSignOnService', REDIRECT, 'javascript:1') },
    ],
    [
      'saml.metadata_no_redirect_sso',
      { ssoXml: endpoint('SingleSignOnService', REDIRECT, '/sso') },
    ],
    ['saml.metadata_no_certificate', { certificates: [] }],
    ['saml.metadata_no_certificate', { keyXml: keyDescriptor(key.certificate, 'encryption') }],
    ['saml.metadata_bad_certificate', { certificates: ['AAAA'] }],
    ['saml.metadata_bad_certificate', { certificates: [''] }],
    ['saml.metadata_unusable_key', { certificates: [small.certificate] }],
    ['saml.metadata_unusable_key', { certificates: [elliptic.cert] }],
  ])('%s: %j', (expected, text) => expect(() => parse(text)).toThrow(code(expected)));

  test.each([
    ['saml.metadata_not_xml', 'not XML at all'],
    ['saml.metadata_not_xml', '<md:EntityDescriptor>'],
    ['saml.metadata_no_entity', '<html/>'],
    ['saml.metadata_no_entity', '<EntityDescriptor entityID="a"/>'],
    [
      'saml.metadata_no_idp',
      '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="a"/>',
    ],
    ['saml.metadata_doctype', '<!DOCTYPE a><a/>'],
    ['saml.metadata_doctype', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ['saml.metadata_too_large', `<a>${'x'.repeat(1024 * 1024)}</a>`],
  ])('%s: %.60s', (expected, xml) => {
    expect(() => parseMetadata(xml, null, NOW)).toThrow(code(expected));
  });

  test('two roles of a provider are one too many', () => {
    const xml = writeMetadata({ certificates: [key.certificate] });
    const role = /<md:IDPSSODescriptor.*<\/md:IDPSSODescriptor>/s.exec(xml)?.[0] ?? '';
    expect(() => parseMetadata(xml.replace(role, role + role), null, NOW)).toThrow(
      code('saml.metadata_no_idp'),
    );
  });

  test('the message says what was expected, and no key', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => parse({ certificates: [secret] })).toThrow(code('saml.metadata_bad_certificate'));
    try {
      parse({ certificates: [secret] });
    } catch (error) {
      expect(String(error)).toContain('Expected an X.509 certificate');
      expect(JSON.stringify(error) + String(error)).not.toContain(secret.slice(200, 240));
    }
  });
});

function code(expected: string) {
  return expect.objectContaining({ code: expected });
}
