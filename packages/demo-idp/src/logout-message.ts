import { DOMParser } from '@xmldom/xmldom';
import { AuthnRequestError } from './authn-request.ts';
import { createId, SAML_ASSERTION_NS, SAML_PROTOCOL_NS } from './saml-names.ts';
import { escapeXml, renderElement } from './xml.ts';

const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:';
/** How long a request may be under way, in milliseconds. */
const REQUEST_LIFE = 5 * 60_000;

/** What is read of a LogoutRequest or LogoutResponse (SAML Core §3.7). */
export interface LogoutMessage {
  readonly kind: 'LogoutRequest' | 'LogoutResponse';
  readonly id: string;
  readonly issuer: string;
  readonly destination: string;
  readonly nameId: string;
  readonly sessionIndexes: readonly string[];
}

/** Reads a logout message. @throws AuthnRequestError */
export function parseLogoutMessage(xml: string): LogoutMessage {
  if (/<!DOCTYPE/i.test(xml)) throw new AuthnRequestError('The message has a document type.');
  const refuse = (): never => {
    throw new AuthnRequestError('The message is not well-formed XML.');
  };
  const parser = new DOMParser({
    errorHandler: { warning: refuse, error: refuse, fatalError: refuse },
  });
  const root: Element | null | undefined = parser.parseFromString(xml, 'text/xml')?.documentElement;
  const kind = root?.localName;
  if (
    root?.namespaceURI !== SAML_PROTOCOL_NS ||
    (kind !== 'LogoutRequest' && kind !== 'LogoutResponse')
  ) {
    throw new AuthnRequestError('The message is neither LogoutRequest nor LogoutResponse.');
  }
  const texts = (namespace: string, name: string): readonly string[] =>
    Array.from(root.getElementsByTagNameNS(namespace, name), (one) => one.textContent ?? '');
  return {
    kind,
    id: root.getAttribute('ID') ?? '',
    issuer: texts(SAML_ASSERTION_NS, 'Issuer')[0] ?? '',
    destination: root.getAttribute('Destination') ?? '',
    nameId: texts(SAML_ASSERTION_NS, 'NameID')[0] ?? '',
    sessionIndexes: texts(SAML_PROTOCOL_NS, 'SessionIndex'),
  };
}

/** Writes a LogoutRequest (SAML Core §3.7.1). */
export function renderLogoutRequest(input: {
  readonly now: number;
  readonly issuer: string;
  readonly destination: string;
  readonly nameId: string;
  readonly nameIdFormat: string;
  readonly sessionIndexes: readonly string[];
}): string {
  const indexes = input.sessionIndexes.map((index) =>
    renderElement('samlp:SessionIndex', {}, escapeXml(index)),
  );
  const name = renderElement(
    'saml:NameID',
    { Format: input.nameIdFormat },
    escapeXml(input.nameId),
  );
  const life = { NotOnOrAfter: new Date(input.now + REQUEST_LIFE).toISOString() };
  return renderMessage('LogoutRequest', input, life, `${name}${indexes.join('')}`);
}

/** Writes a LogoutResponse (SAML Core §3.7.2); a partial logout says so (§3.7.3.2). */
export function renderLogoutResponse(input: {
  readonly now: number;
  readonly issuer: string;
  readonly destination: string;
  readonly inResponseTo: string;
  readonly partial: boolean;
}): string {
  const inner = input.partial
    ? renderElement('samlp:StatusCode', { Value: `${STATUS}PartialLogout` }, '')
    : '';
  const code = renderElement('samlp:StatusCode', { Value: `${STATUS}Success` }, inner);
  const status = renderElement('samlp:Status', {}, code);
  return renderMessage('LogoutResponse', input, { InResponseTo: input.inResponseTo }, status);
}

function renderMessage(
  kind: LogoutMessage['kind'],
  head: { readonly now: number; readonly issuer: string; readonly destination: string },
  more: Readonly<Record<string, string>>,
  content: string,
): string {
  const attributes = {
    'xmlns:samlp': SAML_PROTOCOL_NS,
    'xmlns:saml': SAML_ASSERTION_NS,
    ID: createId(),
    Version: '2.0',
    IssueInstant: new Date(head.now).toISOString(),
    Destination: head.destination,
    ...more,
  };
  const issuer = renderElement('saml:Issuer', {}, escapeXml(head.issuer));
  return renderElement(`samlp:${kind}`, attributes, `${issuer}${content}`);
}
