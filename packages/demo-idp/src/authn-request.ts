import { inflateRawSync } from 'node:zlib';
import { DOMParser } from '@xmldom/xmldom';
import {
  BINDING_POST,
  NAME_ID_EMAIL,
  NAME_ID_PERSISTENT,
  NAME_ID_UNSPECIFIED,
  SAML_ASSERTION_NS,
  SAML_PROTOCOL_NS,
} from './saml-names.ts';
import type { ServiceProvider, ServiceProviders } from './service-providers.ts';

/** The longest AuthnRequest that is read, in bytes, after inflating. */
export const MAX_REQUEST_BYTES = 65_536;

const XML_ID = /^[\p{L}_][\p{L}\p{N}_.-]{0,255}$/u;

/** A request that may be answered. */
export interface AuthnRequest {
  readonly id: string;
  readonly provider: ServiceProvider;
  readonly nameIdFormat: typeof NAME_ID_PERSISTENT | typeof NAME_ID_EMAIL;
  /** The application forbids any page of ours (SAML Core §3.4.1). */
  readonly isPassive: boolean;
}

/** A request that is refused; the message is fit to be shown to a person. */
export class AuthnRequestError extends Error {}

/** Undoes the redirect binding: base64, then raw DEFLATE (SAML Bindings §3.4.4.1). */
export function decodeRedirect(parameter: string): string {
  const deflated = decodeBase64(parameter);
  try {
    return inflateRawSync(deflated, { maxOutputLength: MAX_REQUEST_BYTES }).toString('utf8');
  } catch {
    throw new AuthnRequestError(
      `SAMLRequest does not inflate to at most ${MAX_REQUEST_BYTES} bytes of XML.`,
    );
  }
}

/** Undoes the POST binding: base64 (SAML Bindings §3.5.4). */
export function decodePost(parameter: string): string {
  const bytes = decodeBase64(parameter);
  if (bytes.length > MAX_REQUEST_BYTES) {
    throw new AuthnRequestError(`SAMLRequest is longer than ${MAX_REQUEST_BYTES} bytes.`);
  }
  return bytes.toString('utf8');
}

/**
 * Reads an AuthnRequest and finds its application (SAML Core §3.4.1). An answer
 * goes to the registered ACS URL only, whatever the request says: otherwise
 * anybody could have assertions sent to themselves.
 *
 * @throws AuthnRequestError
 */
export function parseAuthnRequest(
  xml: string,
  providers: ServiceProviders,
  ssoUrl: string,
): AuthnRequest {
  const root = parseRoot(xml);
  const id = root.getAttribute('ID') ?? '';
  if (!XML_ID.test(id)) throw new AuthnRequestError('The request has no valid ID.');
  expect(root, 'Version', '2.0', true);
  expect(root, 'Destination', ssoUrl, false);
  expect(root, 'ProtocolBinding', BINDING_POST, false);
  const issuer = childText(root, SAML_ASSERTION_NS, 'Issuer');
  const provider = providers.find(issuer);
  if (provider === undefined) {
    throw new AuthnRequestError(`No application is registered as ${JSON.stringify(issuer)}.`);
  }
  expect(root, 'AssertionConsumerServiceURL', provider.acsUrl, false);
  const isPassive = ['true', '1'].includes(root.getAttribute('IsPassive') ?? '');
  return { id, provider, nameIdFormat: readFormat(root), isPassive };
}

function decodeBase64(parameter: string): Buffer {
  const compact = parameter.replace(/\s/g, '');
  if (compact === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) {
    throw new AuthnRequestError('SAMLRequest is not base64.');
  }
  return Buffer.from(compact, 'base64');
}

function parseRoot(xml: string): Element {
  // A request needs no document type, and without one no entity can be declared.
  if (/<!DOCTYPE/i.test(xml)) throw new AuthnRequestError('The request has a document type.');
  const refuse = (): never => {
    throw new AuthnRequestError('SAMLRequest is not well-formed XML.');
  };
  const parser = new DOMParser({
    errorHandler: { warning: refuse, error: refuse, fatalError: refuse },
  });
  // An empty or rootless text makes the parser answer nothing, whatever its types say.
  const root: Element | null | undefined = parser.parseFromString(xml, 'text/xml')?.documentElement;
  if (root?.namespaceURI !== SAML_PROTOCOL_NS || root.localName !== 'AuthnRequest') {
    throw new AuthnRequestError('SAMLRequest is not an AuthnRequest.');
  }
  return root;
}

function expect(root: Element, name: string, value: string, required: boolean): void {
  const received = root.getAttribute(name) ?? '';
  if (received === value || (received === '' && !required)) return;
  throw new AuthnRequestError(
    `${name}: expected ${JSON.stringify(value)}, received ${JSON.stringify(received)}.`,
  );
}

function readFormat(root: Element): AuthnRequest['nameIdFormat'] {
  const asked = findChild(root, SAML_PROTOCOL_NS, 'NameIDPolicy')?.getAttribute('Format') ?? '';
  if (['', NAME_ID_UNSPECIFIED, NAME_ID_PERSISTENT].includes(asked)) return NAME_ID_PERSISTENT;
  if (asked === NAME_ID_EMAIL) return NAME_ID_EMAIL;
  throw new AuthnRequestError(
    `NameIDPolicy: expected the persistent or the emailAddress format, received ${JSON.stringify(asked)}.`,
  );
}

function childText(parent: Element, namespace: string, name: string): string {
  return findChild(parent, namespace, name)?.textContent?.trim() ?? '';
}

function findChild(parent: Element, namespace: string, name: string): Element | undefined {
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType !== node.ELEMENT_NODE) continue;
    const element = node as Element;
    if (element.namespaceURI === namespace && element.localName === name) return element;
  }
  return undefined;
}
