import {
  BINDING_POST,
  BINDING_REDIRECT,
  NAME_ID_EMAIL,
  NAME_ID_PERSISTENT,
  SAML_PROTOCOL_NS,
} from './saml-names.ts';
import { escapeXml, renderElement } from './xml.ts';

const METADATA_NS = 'urn:oasis:names:tc:SAML:2.0:metadata';
const SIGNATURE_NS = 'http://www.w3.org/2000/09/xmldsig#';

/** By which name and where this IdP is found. */
export interface MetadataAddresses {
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly sloUrl: string;
}

/** The base64 of a PEM certificate, without its frame. */
export function certificateBody(certificate: string): string {
  return certificate.replace(/-----[^-]+-----|\s/g, '');
}

/**
 * The EntityDescriptor of this IdP (SAML Metadata §2.3.2, §2.4.3). Single logout is by
 * the redirect binding alone.
 */
export function renderMetadata(
  { entityId, ssoUrl, sloUrl }: MetadataAddresses,
  certificate: string,
): string {
  const keyInfo = renderElement(
    'ds:KeyInfo',
    { 'xmlns:ds': SIGNATURE_NS },
    renderElement(
      'ds:X509Data',
      {},
      renderElement('ds:X509Certificate', {}, certificateBody(certificate)),
    ),
  );
  const services = [BINDING_REDIRECT, BINDING_POST]
    .map((binding) =>
      renderElement('md:SingleSignOnService', { Binding: binding, Location: ssoUrl }, ''),
    )
    .join('');
  const role = renderElement(
    'md:IDPSSODescriptor',
    {
      WantAuthnRequestsSigned: 'false',
      protocolSupportEnumeration: SAML_PROTOCOL_NS,
    },
    renderElement('md:KeyDescriptor', { use: 'signing' }, keyInfo) +
      renderElement('md:SingleLogoutService', { Binding: BINDING_REDIRECT, Location: sloUrl }, '') +
      [NAME_ID_PERSISTENT, NAME_ID_EMAIL]
        .map((format) => renderElement('md:NameIDFormat', {}, escapeXml(format)))
        .join('') +
      services,
  );
  const attributes = { 'xmlns:md': METADATA_NS, entityID: entityId };
  const root = renderElement('md:EntityDescriptor', attributes, role);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
}
