import { X509Certificate } from 'node:crypto';
import type { EpochMs } from '@rollcall/shared/core/time';
import {
  attributeOf,
  childrenOf,
  type Element,
  isNamed,
  PROTOCOL_NS,
  SIGNATURE_NS,
} from './element.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { parseInstant } from './instant.ts';
import { parseWithLibxml } from './libxml-element.ts';
import { metadataError } from './metadata-error.ts';
import { requireUsableKeys } from './signing-keys.ts';

/** The largest metadata that is read, in bytes. */
export const MAX_METADATA_BYTES = 1024 * 1024;

const METADATA_NS = 'urn:oasis:names:tc:SAML:2.0:metadata';
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/**
 * Reads an identity provider from its metadata (SAML Metadata §2.3, §2.4.3). A
 * signature in it is not looked at: what vouches for it is where it came from.
 * Throws `saml.metadata_…`.
 *
 * @param entityId which one is meant; null where the metadata has only one.
 */
export function parseMetadata(
  xml: string,
  entityId: string | null,
  now: EpochMs,
): IdentityProvider {
  const root = parse(xml);
  const entity = chooseEntity(root, entityId, now);
  const role = requireRole(entity);
  requireValid(role, now);
  const certificates = readCertificates(role);
  requireUsableKeys(certificates);
  return {
    entityId: attributeOf(entity, 'entityID') ?? '',
    ssoUrl: readSsoUrl(role),
    sloUrl: redirectUrls(role, 'SingleLogoutService')[0] ?? null,
    certificates,
    wantAuthnRequestsSigned: isTrue(attributeOf(role, 'WantAuthnRequestsSigned')),
  };
}

function parse(xml: string): Element {
  if (Buffer.byteLength(xml) > MAX_METADATA_BYTES) {
    throw metadataError('saml.metadata_too_large', `${MAX_METADATA_BYTES} bytes`, 'more');
  }
  // Only markup can look like this, or a comment that talks of it: no loss.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) {
    throw metadataError('saml.metadata_doctype', 'no document type', 'one');
  }
  try {
    return parseWithLibxml(xml.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const received = cause instanceof Error ? cause.message.trim() : String(cause);
    throw metadataError('saml.metadata_not_xml', 'XML', received, cause);
  }
}

function chooseEntity(root: Element, entityId: string | null, now: EpochMs): Element {
  const found = entitiesIn(root, now).filter(({ attributes }) =>
    entityId === null ? true : attributes.get('entityID') === entityId,
  );
  const [entity, second] = found;
  const expected = entityId === null ? 'one EntityDescriptor' : `the entity id ${entityId}`;
  if (entity === undefined || !attributeOf(entity, 'entityID')) {
    throw metadataError('saml.metadata_no_entity', expected, root.name);
  }
  if (second !== undefined) {
    throw metadataError('saml.metadata_ambiguous', expected, `${found.length}`);
  }
  requireValid(entity, now);
  return entity;
}

/** SAML Metadata §2.3.1: groups of entities may be nested, and each may have an end. */
function entitiesIn(element: Element, now: EpochMs): readonly Element[] {
  if (isNamed(element, METADATA_NS, 'EntityDescriptor')) return [element];
  if (!isNamed(element, METADATA_NS, 'EntitiesDescriptor')) return [];
  requireValid(element, now);
  return element.children.flatMap((child) => entitiesIn(child, now));
}

function requireValid(element: Element, now: EpochMs): void {
  const text = attributeOf(element, 'validUntil');
  if (text === null) return;
  const until = parseInstant(text);
  if (until !== null && until > now) return;
  throw metadataError('saml.metadata_expired', `validUntil after ${now}`, text);
}

function requireRole(entity: Element): Element {
  const roles = childrenOf(entity, METADATA_NS, 'IDPSSODescriptor').filter((role) =>
    (attributeOf(role, 'protocolSupportEnumeration') ?? '').split(/\s+/).includes(PROTOCOL_NS),
  );
  const [role, second] = roles;
  if (role !== undefined && second === undefined) return role;
  throw metadataError(
    'saml.metadata_no_idp',
    `one IDPSSODescriptor for ${PROTOCOL_NS}`,
    role === undefined ? 'none' : `${roles.length}`,
  );
}

function readSsoUrl(role: Element): string {
  const [url] = redirectUrls(role, 'SingleSignOnService');
  if (url !== undefined) return url;
  const received = childrenOf(role, METADATA_NS, 'SingleSignOnService')
    .map((service) => attributeOf(service, 'Binding') ?? 'no binding')
    .join(', ');
  throw metadataError(
    'saml.metadata_no_redirect_sso',
    `SingleSignOnService by ${REDIRECT} at a web address`,
    received || 'none',
  );
}

function redirectUrls(role: Element, service: string): readonly string[] {
  return childrenOf(role, METADATA_NS, service)
    .filter((endpoint) => attributeOf(endpoint, 'Binding') === REDIRECT)
    .map((endpoint) => attributeOf(endpoint, 'Location') ?? '')
    .filter(isWebUrl);
}

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** SAML Metadata §2.4.1.1: a key without a use is for every use. */
function readCertificates(role: Element): readonly string[] {
  const encoded = childrenOf(role, METADATA_NS, 'KeyDescriptor')
    .filter((key) => (attributeOf(key, 'use') ?? 'signing') === 'signing')
    .flatMap((key) => childrenOf(key, SIGNATURE_NS, 'KeyInfo'))
    .flatMap((info) => childrenOf(info, SIGNATURE_NS, 'X509Data'))
    .flatMap((data) => childrenOf(data, SIGNATURE_NS, 'X509Certificate'));
  if (encoded.length === 0) {
    throw metadataError('saml.metadata_no_certificate', 'a KeyDescriptor for signing', 'none');
  }
  return [...new Set(encoded.map((element) => toPem(element.text)))];
}

function toPem(base64: string): string {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).toString();
  } catch (cause) {
    // Not the text: somebody may have pasted a private key.
    const received = `${base64.trim().length} characters of something else`;
    throw metadataError('saml.metadata_bad_certificate', 'an X.509 certificate', received, cause);
  }
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}
