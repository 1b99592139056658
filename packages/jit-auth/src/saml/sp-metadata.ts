import { allowAlgorithms, OAEP_HASHES, RSA_OAEP_11 } from './algorithms.ts';
import { PROTOCOL_NS, SIGNATURE_NS } from './element.ts';
import { ENCRYPTION_11_NS } from './key-transport.ts';
import { METADATA_NS } from './metadata.ts';
import type { OwnKey } from './own-keys.ts';
import type { SamlConnection } from './saml-connection.ts';
import { escapeXml } from './xml-text.ts';

/** SAML Core §8.3.7. */
export const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const POST = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/** The part of a connection that our metadata describes. */
export type DescribedConnection = Pick<SamlConnection, 'sp' | 'signed' | 'keys' | 'weakAlgorithms'>;

/** What our metadata says besides. */
export interface MetadataPromises {
  /** Whether every AuthnRequest is signed. */
  readonly signsRequests: boolean;
  /** NameIDFormat that names the subject; null where an attribute does. */
  readonly nameIdFormat: string | null;
}

/**
 * Our metadata for one connection, as XML in schema order (SAML Metadata §2.4.1, §2.4.2,
 * §2.4.4). It names every key of ours, the next ones too, so that an identity provider
 * that reads it knows them before they are used. It has no end: one that stopped being
 * read would stop sign-ins.
 */
export function spMetadata(
  connection: DescribedConnection,
  { signsRequests, nameIdFormat }: MetadataPromises,
): string {
  const { sp, signed, keys } = connection;
  const methods = encryptionMethods(connection);
  const lines = [
    ...keys.signing.map((key) => keyDescriptor('signing', key, [])),
    ...keys.decryption.map((key) => keyDescriptor('encryption', key, methods)),
    // A logout that nobody can sign would be refused: it is not offered.
    ...(keys.signing.length === 0 ? [] : [REDIRECT, POST]).map((binding) =>
      endpoint('SingleLogoutService', binding, sp.sloUrl),
    ),
    ...(nameIdFormat === null
      ? []
      : [`<md:NameIDFormat>${escapeXml(nameIdFormat)}</md:NameIDFormat>`]),
    endpoint('AssertionConsumerService', POST, sp.acsUrl, ' index="0" isDefault="true"'),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="${METADATA_NS}" entityID="${escapeXml(sp.entityId)}">
  <md:SPSSODescriptor AuthnRequestsSigned="${signsRequests}" WantAssertionsSigned="${signed !== 'response'}" protocolSupportEnumeration="${PROTOCOL_NS}">
${lines.map((line) => `    ${line}`).join('\n')}
  </md:SPSSODescriptor>
</md:EntityDescriptor>
`;
}

/** SAML Metadata §2.4.1.1; the methods stand behind the key (§2.4.1.1, XML Encryption §3.2). */
function keyDescriptor(
  use: 'signing' | 'encryption',
  { certificate }: OwnKey,
  methods: readonly string[],
): string {
  const body = certificate.raw.toString('base64');
  return `<md:KeyDescriptor use="${use}"><ds:KeyInfo xmlns:ds="${SIGNATURE_NS}"><ds:X509Data><ds:X509Certificate>${body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${methods.join('')}</md:KeyDescriptor>`;
}

/** SAML Metadata §2.4.1.1. The oldest way stands first: whoever reads in order keeps what they use. */
function encryptionMethods({ weakAlgorithms }: DescribedConnection): readonly string[] {
  const { contentEncryption, keyTransport } = allowAlgorithms(weakAlgorithms);
  return [...contentEncryption, ...keyTransport].flatMap((method) =>
    // Without parameters it would mean SHA-1, or whatever a provider takes it to mean.
    method === RSA_OAEP_11 ? OAEP_HASHES.map(oaepMethod) : encryptionMethod(method),
  );
}

function encryptionMethod(algorithm: string, inside = ''): string {
  const begin = `<md:EncryptionMethod Algorithm="${escapeXml(algorithm)}"`;
  return inside === '' ? `${begin}/>` : `${begin}>${inside}</md:EncryptionMethod>`;
}

/** XML Encryption 1.1 §5.5.2. */
function oaepMethod({ digest, mask }: (typeof OAEP_HASHES)[number]): string {
  return encryptionMethod(
    RSA_OAEP_11,
    `<ds:DigestMethod xmlns:ds="${SIGNATURE_NS}" Algorithm="${digest}"/><xenc11:MGF xmlns:xenc11="${ENCRYPTION_11_NS}" Algorithm="${mask}"/>`,
  );
}

function endpoint(name: string, binding: string, location: string, more = ''): string {
  return `<md:${name} Binding="${binding}" Location="${escapeXml(location)}"${more}/>`;
}
