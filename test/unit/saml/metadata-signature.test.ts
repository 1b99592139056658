import { readTrusted } from '@rollcall/jit-auth/saml/load-identity-provider';
import { readMetadata } from '@rollcall/jit-auth/saml/metadata';
import { requireSignedMetadata } from '@rollcall/jit-auth/saml/metadata-signature';
import { toEpochMs } from '@rollcall/shared/core/time';
import { describe, expect, test } from 'vitest';
import { writeEntities, writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { signMetadata } from '../../fixtures/saml/sign-metadata.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const NOW = toEpochMs(Date.parse('2026-06-01T00:00:00Z'));
const [idp, publisher, stranger] = (await Promise.all([
  makeTestKey(),
  makeTestKey(),
  makeTestKey(),
])) as [TestKeyOf, TestKeyOf, TestKeyOf];
type TestKeyOf = Awaited<ReturnType<typeof makeTestKey>>;
const plain = writeMetadata({ certificates: [idp.certificate] });
const evil = writeMetadata({ certificates: [stranger.certificate] });
const read = (xml: string, pins = [publisher.certificate]) => readTrusted(xml, pins, NOW).idp;

describe('metadata for which a certificate is pinned', () => {
  test('is read where its key has signed it, whoever else is pinned', () => {
    const signed = signMetadata(plain, publisher);
    expect(read(signed)).toEqual(readMetadata(plain, null, NOW).idp);
    expect(read(signed, [stranger.certificate, publisher.certificate]).entityId).toBeDefined();
    expect(read(signMetadata(writeEntities(plain), publisher)).entityId).toBeDefined();
  });

  test.each([
    ['is not signed', plain, 'saml.metadata_not_signed'],
    ['is signed by another key', signMetadata(plain, stranger), 'saml.metadata_signature_invalid'],
    [
      'was changed afterwards',
      signMetadata(plain, publisher).replace(
        'https://idp.example.com/sso',
        'https://evil.example/',
      ),
      'saml.metadata_signature_invalid',
    ],
    [
      'is signed in a part only',
      writeEntities(signMetadata(plain, publisher)),
      'saml.metadata_not_signed',
    ],
    [
      'wraps what was signed',
      `${evil.replace('<md:EntityDescriptor', '<md:EntityDescriptor ID="_m2"').replace('</md:EntityDescriptor>', '')}${/<ds:Signature[\s\S]*?<\/ds:Signature>/.exec(signMetadata(plain, publisher))?.[0]}<md:Extensions>${signMetadata(plain, publisher)}</md:Extensions></md:EntityDescriptor>`,
      'saml.metadata_signature_invalid',
    ],
    [
      'is signed with SHA-1',
      signMetadata(plain, publisher, { digest: 'http://www.w3.org/2000/09/xmldsig#sha1' }),
      'saml.metadata_signature_invalid',
    ],
    [
      'has two signatures',
      signMetadata(signMetadata(plain, publisher), publisher),
      'saml.metadata_not_signed',
    ],
    [
      'has a document type',
      `<!DOCTYPE a>${signMetadata(plain, publisher)}`,
      'saml.metadata_doctype',
    ],
    ['is no XML', 'not here', 'saml.metadata_not_xml'],
  ])('is refused where it %s', (_, xml, code) => {
    expect(() => read(xml)).toThrow(expect.objectContaining({ code }));
  });

  test('is read from the signed bytes, and from nothing else', () => {
    const signed = signMetadata(plain, publisher);
    const text = requireSignedMetadata(signed, [publisher.certificate]);
    expect(text).not.toContain('Signature>');
    expect(signed).toContain('Signature>');
  });
});

describe('how long metadata holds', () => {
  test('is the earliest end, and the shortest time, on the way to the provider', () => {
    const inner = writeMetadata({
      certificates: [idp.certificate],
      validUntil: '2026-06-03T00:00:00Z',
      roleAttributes: 'cacheDuration="PT6H"',
    });
    const xml = writeEntities(inner).replace(
      '<md:EntitiesDescriptor',
      '<md:EntitiesDescriptor validUntil="2026-06-02T00:00:00Z" cacheDuration="P1D"',
    );
    expect(readMetadata(xml, null, NOW)).toMatchObject({
      validUntil: Date.parse('2026-06-02T00:00:00Z'),
      cacheMs: 6 * 3_600_000,
    });
    expect(readMetadata(plain, null, NOW)).toMatchObject({ validUntil: null, cacheMs: null });
  });
});
