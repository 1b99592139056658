import { X509Certificate } from 'node:crypto';
import type { EpochMs } from '@rollcall/shared/core/time';
import { XmlError } from 'libxml2-wasm';
import {
  attributeOf,
  childrenOf,
  type Element,
  isNamed,
  PROTOCOL_NS,
  SIGNATURE_NS,
} from './element.ts';
import type { IdentityProvider, LogoutEndpoint } from './identity-provider.ts';
import { parseInstant } from './instant.ts';
import { parseWithLibxml } from './libxml-element.ts';
import { metadataError } from './metadata-error.ts';
import { type MetadataValidity, validityOf } from './metadata-validity.ts';
import { requireUsableKeys } from './signing-keys.ts';

/** The largest metadata that is read, in bytes. */
export const MAX_METADATA_BYTES = 1024 * 1024;

/** Namespace of metadata (SAML Metadata §1.1). */
export const METADATA_NS = 'urn:oasis:names:tc:SAML:2.0:metadata';
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const BINDINGS = { redirect: REDIRECT, post: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' };

/** An identity provider as its metadata describes it, and for how long that holds. */
export interface MetadataReading extends MetadataValidity {
  readonly idp: IdentityProvider;
}

/**
 * Reads an identity provider from its metadata (SAML Metadata §2.3, §2.4.3). A
 * signature in it is not looked at: what vouches for it is where it came from, or
 * `requireSignedMetadata`. Throws `saml.metadata_…`.
 *
 * @param entityId which one is meant; null where the metadata has only one.
 */
export function readMetadata(xml: string, entityId: string | null, now: EpochMs): MetadataReading {
  const root = parsing(xml, parseWithLibxml);
  const { entity, within } = chooseEntity(root, entityId, now);
  const role = requireRole(entity);
  requireValid(role, now);
  const certificates = readCertificates(role);
  requireUsableKeys(certificates);
  const idp = {
    entityId: attributeOf(entity, 'entityID') ?? '',
    ssoUrl: readSsoUrl(role),
    logoutEndpoints: readLogoutEndpoints(role),
    certificates,
    wantAuthnRequestsSigned: isTrue(attributeOf(role, 'WantAuthnRequestsSigned')),
  };
  return { idp, ...validityOf([...within, entity, role]) };
}

/** As {@link readMetadata}, without its validity. */
export function parseMetadata(
  xml: string,
  entityId: string | null,
  now: EpochMs,
): IdentityProvider {
  return readMetadata(xml, entityId, now).idp;
}

/**
 * Text that may be handed to a parser: not too large, without a document type.
 * Throws `saml.metadata_too_large`, `saml.metadata_doctype`.
 */
function requireMetadataText(xml: string): string {
  if (Buffer.byteLength(xml) > MAX_METADATA_BYTES) {
    throw metadataError('saml.metadata_too_large', `${MAX_METADATA_BYTES} bytes`, 'more');
  }
  // Only markup can look like this, or a comment that talks of it: no loss.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) {
    throw metadataError('saml.metadata_doctype', 'no document type', 'one');
  }
  return xml.replace(/^\uFEFF/, '');
}

/** Runs a parser over the text of metadata. Throws `saml.metadata_…` for what is none. */
export function parsing<T>(xml: string, parse: (text: string) => T): T {
  const text = requireMetadataText(xml);
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw metadataError('saml.metadata_not_xml', 'XML', cause.message.trim(), cause);
  }
}

/** An entity, and the groups that it is in, the outermost first. */
interface PlacedEntity {
  readonly entity: Element;
  readonly within: readonly Element[];
}

function chooseEntity(root: Element, entityId: string | null, now: EpochMs): PlacedEntity {
  const found = entitiesIn(root, [], now).filter(({ entity }) =>
    entityId === null ? true : attributeOf(entity, 'entityID') === entityId,
  );
  const [chosen, second] = found;
  const expected = entityId === null ? 'one EntityDescriptor' : `the entity id ${entityId}`;
  if (chosen === undefined || !attributeOf(chosen.entity, 'entityID')) {
    throw metadataError('saml.metadata_no_entity', expected, root.name);
  }
  if (second !== undefined) {
    throw metadataError('saml.metadata_ambiguous', expected, `${found.length}`);
  }
  requireValid(chosen.entity, now);
  return chosen;
}

/** SAML Metadata §2.3.1: groups of entities may be nested, and each may have an end. */
function entitiesIn(
  element: Element,
  within: readonly Element[],
  now: EpochMs,
): readonly PlacedEntity[] {
  if (isNamed(element, METADATA_NS, 'EntityDescriptor')) return [{ entity: element, within }];
  if (!isNamed(element, METADATA_NS, 'EntitiesDescriptor')) return [];
  requireValid(element, now);
  return element.children.flatMap((child) => entitiesIn(child, [...within, element], now));
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

/** By redirect first: it needs no page that posts itself. Others than redirect and POST are passed over. */
function readLogoutEndpoints(role: Element): readonly LogoutEndpoint[] {
  const services = childrenOf(role, METADATA_NS, 'SingleLogoutService');
  return (['redirect', 'post'] as const).flatMap((binding) =>
    services
      .filter((service) => attributeOf(service, 'Binding') === BINDINGS[binding])
      .map((service) => {
        const url = attributeOf(service, 'Location') ?? '';
        return { binding, url, responseUrl: attributeOf(service, 'ResponseLocation') ?? url };
      })
      .filter(({ url, responseUrl }) => isWebUrl(url) && isWebUrl(responseUrl))
      .slice(0, 1),
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
