import { refuse } from './refusal.ts';

const DECLARATION = /\sxmlns(?::([^\s=<>"']*))?\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;
/** Any absolute URI. Escapes are not resolved: no namespace of SAML begins with one. */
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** What may be bound to no prefix, and to which nothing may be bound (Namespaces in XML 1.0 §3). */
const RESERVED = ['http://www.w3.org/2000/xmlns/', 'http://www.w3.org/XML/1998/namespace'];

/**
 * Checks the namespaces that a text declares. Parsers report a reserved prefix, a
 * prefix that is undeclared or a relative name, and go on, each in its own way;
 * canonicalizers may give up half-way. Throws `saml.not_xml`, and
 * `saml.not_canonical` for a relative name (Canonical XML 1.0 §1.3).
 */
export function checkNamespaceNames(xml: string): void {
  for (const [, prefix, double, single] of xml.matchAll(DECLARATION)) {
    const name = double ?? single ?? '';
    const undeclared = prefix !== undefined && name === '';
    if (prefix === 'xml' || prefix === 'xmlns' || undeclared || RESERVED.includes(name)) {
      throw refuse('saml.not_xml', 'prefixes as XML has them', `${prefix ?? ''}="${name}"`);
    }
    if (name !== '' && !ABSOLUTE.test(name)) {
      throw refuse('saml.not_canonical', 'absolute names of namespaces', name);
    }
  }
}
