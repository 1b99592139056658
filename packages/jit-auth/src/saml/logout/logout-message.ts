import { createHash, randomBytes, sign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { EpochMs } from '@rollcall/shared/core/time';
import { after } from '@rollcall/shared/core/time';
import { ENVELOPED, EXC_C14N } from '../algorithms.ts';
import { canonicalize } from '../canonical-xml.ts';
import { ASSERTION_NS, PROTOCOL_NS, SIGNATURE_NS } from '../element.ts';
import type { LogoutEndpoint } from '../identity-provider.ts';
import { withLibxmlDocument } from '../libxml-element.ts';
import type { OwnKey } from '../own-keys.ts';
import type { NameId } from '../verified-assertion.ts';
import { escapeXml } from '../xml-text.ts';
import type { MessageName } from './redirect-query.ts';

/** How a browser carries a message to the identity provider. */
export type Delivery =
  | { readonly binding: 'redirect'; readonly url: string }
  | {
      readonly binding: 'post';
      readonly action: string;
      readonly fields: Readonly<Record<string, string>>;
    };

/** A message that is not signed yet. */
export interface UnsignedMessage {
  readonly id: string;
  readonly xml: string;
}

/** What a LogoutRequest asks. */
export interface LogoutRequestInput {
  readonly issuer: string;
  readonly destination: string;
  readonly nameId: NameId;
  readonly sessionIndex: string | null;
  readonly now: EpochMs;
}

/** What a LogoutResponse answers. */
export interface LogoutResponseInput {
  readonly issuer: string;
  readonly destination: string;
  readonly inResponseTo: string;
  readonly status: 'Success' | 'Requester';
  readonly now: EpochMs;
}

const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:';
/** A person asked for it (SAML Core §3.7.3). */
const BY_USER = 'urn:oasis:names:tc:SAML:2.0:logout:user';
/** How long a request may be under way, in milliseconds. */
const REQUEST_LIFE_MS = 5 * 60_000;
/** 160 bits: SAML Core §1.3.4 asks for at least 128, and for a letter first. */
const ID_BYTES = 20;

/** Writes a LogoutRequest (SAML Core §3.7.1). */
export function writeLogoutRequest(input: LogoutRequestInput): UnsignedMessage {
  const id = newId();
  const { nameId, sessionIndex, now } = input;
  const name = element(
    'saml:NameID',
    {
      Format: nameId.format,
      NameQualifier: nameId.nameQualifier,
      SPNameQualifier: nameId.spNameQualifier,
    },
    escapeXml(nameId.value),
  );
  const index =
    sessionIndex === null ? '' : element('samlp:SessionIndex', {}, escapeXml(sessionIndex));
  const attributes = {
    NotOnOrAfter: toInstant(after(now, REQUEST_LIFE_MS)),
    Reason: BY_USER,
  };
  return { id, xml: message('LogoutRequest', id, input, attributes, `${name}${index}`) };
}

/** Writes a LogoutResponse (SAML Core §3.7.2). */
export function writeLogoutResponse(input: LogoutResponseInput): UnsignedMessage {
  const id = newId();
  const code = element('samlp:StatusCode', { Value: `${STATUS}${input.status}` }, '');
  const status = element('samlp:Status', {}, code);
  const attributes = { InResponseTo: input.inResponseTo };
  return { id, xml: message('LogoutResponse', id, input, attributes, status) };
}

/** Signs a message and makes it ready for a binding (SAML Bindings §3.4.4, §3.5.4). */
export function deliver(
  name: MessageName,
  unsigned: UnsignedMessage,
  { binding, url }: Pick<LogoutEndpoint, 'binding' | 'url'>,
  key: OwnKey,
  relayState: string | null,
): Delivery {
  const state = relayState === null ? {} : { RelayState: relayState };
  if (binding === 'post') {
    const xml = signEnveloped(unsigned, key);
    const fields = { [name]: Buffer.from(xml, 'utf8').toString('base64'), ...state };
    return { binding, action: url, fields };
  }
  const deflated = deflateRawSync(Buffer.from(unsigned.xml, 'utf8')).toString('base64');
  const parameters = { [name]: deflated, ...state, SigAlg: RSA_SHA256 };
  const query = Object.entries(parameters)
    .map(([one, value]) => `${one}=${encodeURIComponent(value)}`)
    .join('&');
  const signature = sign('sha256', Buffer.from(query, 'ascii'), key.privateKey).toString('base64');
  const separator = url.includes('?') ? '&' : '?';
  return {
    binding,
    url: `${url}${separator}${query}&Signature=${encodeURIComponent(signature)}`,
  };
}

/** An enveloped signature over the message, behind its Issuer (SAML Core §5.4). */
function signEnveloped({ id, xml }: UnsignedMessage, key: OwnKey): string {
  const digest = createHash('sha256').update(canonical(xml)).digest('base64');
  const signedInfo = element(
    'ds:SignedInfo',
    { 'xmlns:ds': SIGNATURE_NS },
    `<ds:CanonicalizationMethod Algorithm="${EXC_C14N}"/><ds:SignatureMethod Algorithm="${RSA_SHA256}"/>` +
      `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${ENVELOPED}"/>` +
      `<ds:Transform Algorithm="${EXC_C14N}"/></ds:Transforms><ds:DigestMethod Algorithm="${SHA256}"/>` +
      `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`,
  );
  const value = sign('sha256', canonical(signedInfo), key.privateKey).toString('base64');
  const certificate = key.certificate.raw.toString('base64');
  const signature =
    `<ds:Signature xmlns:ds="${SIGNATURE_NS}">${signedInfo}<ds:SignatureValue>${value}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`;
  return xml.replace('</saml:Issuer>', () => `</saml:Issuer>${signature}`);
}

function canonical(xml: string): Buffer {
  return withLibxmlDocument(xml, (document) => canonicalize(document.root, []));
}

function message(
  name: 'LogoutRequest' | 'LogoutResponse',
  id: string,
  { issuer, destination, now }: Pick<LogoutRequestInput, 'issuer' | 'destination' | 'now'>,
  more: Readonly<Record<string, string>>,
  content: string,
): string {
  const attributes = {
    'xmlns:samlp': PROTOCOL_NS,
    'xmlns:saml': ASSERTION_NS,
    ID: id,
    Version: '2.0',
    IssueInstant: toInstant(now),
    Destination: destination,
    ...more,
  };
  return element(
    `samlp:${name}`,
    attributes,
    `${element('saml:Issuer', {}, escapeXml(issuer))}${content}`,
  );
}

function element(
  name: string,
  attributes: Readonly<Record<string, string | null>>,
  content: string,
): string {
  const written = Object.entries(attributes)
    .map(([one, value]) => (value === null ? '' : ` ${one}="${escapeXml(value)}"`))
    .join('');
  return `<${name}${written}>${content}</${name}>`;
}

function newId(): string {
  return `_${randomBytes(ID_BYTES).toString('hex')}`;
}

function toInstant(at: EpochMs): string {
  return new Date(at).toISOString();
}
