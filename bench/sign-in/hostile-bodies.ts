import { randomBytes } from 'node:crypto';
import { groupName } from './identity-provider.ts';
import { type Posted, post } from './posted.ts';

/** A body made to cost much. Each is made of a good response to a request that waits. */
export interface HostileBody {
  readonly name: string;
  /** Takes bare node-saml seconds, so that few can be tried. */
  readonly slow: boolean;
  make(good: Posted): Posted;
}

const SIBLINGS = 15_000;
const PADDING = 235_000;
const GARBAGE = 69_000;

/** What somebody posts who has asked for a sign-in and may have an account. */
export const HOSTILE_BODIES: readonly HostileBody[] = [
  {
    name: '15,000 unsigned elements beside a signed assertion',
    slow: true,
    make: changing((xml) => addToResponse(xml, '<a/>'.repeat(SIBLINGS))),
  },
  {
    name: 'unsigned elements with attributes, 120 times 40',
    slow: false,
    make: changing((xml) => addToResponse(xml, elementWithAttributes(40).repeat(120))),
  },
  {
    name: 'unsigned text, 235 KB',
    slow: false,
    make: changing((xml) => addToResponse(xml, `<a>${'x'.repeat(PADDING)}</a>`)),
  },
  {
    name: 'groups added to a signed assertion, 1,800 of them',
    slow: false,
    make: changing((xml) => addValues(xml, 1800, '', groupName(9999))),
  },
  {
    name: 'empty values added to a signed assertion, 4,800 with 4 attributes',
    slow: false,
    make: changing((xml) => addValues(xml, 4800, ' a="" b="" c="" d=""', '')),
  },
  {
    name: 'empty values added to a signed assertion, 3,900 with an attribute',
    slow: false,
    make: changing((xml) => addValues(xml, 3900, ' a=""', '')),
  },
  {
    name: 'a value of 46,000 character references added to a signed assertion',
    slow: false,
    make: changing((xml) => addValues(xml, 1, '', '&#13;'.repeat(46_000))),
  },
  {
    name: 'elements 20 deep added to a signed assertion, 2,380 of them',
    slow: false,
    make: changing((xml) =>
      addValues(xml, 1, '', ('<a>'.repeat(20) + '</a>'.repeat(20)).repeat(119)),
    ),
  },
  {
    name: 'elements in KeyInfo, 3,800 with an attribute',
    slow: false,
    make: changing((xml) =>
      xml.replace('</ds:KeyInfo>', () => `${'<ds:X a=""/>'.repeat(3800)}</ds:KeyInfo>`),
    ),
  },
  {
    name: 'prefixes for the canonicalizer to look up, 30,000',
    slow: false,
    make: changing(addPrefixes),
  },
  { name: 'forged signature, 20 groups', slow: false, make: changing(forgeSignature) },
  { name: 'garbage in base64, 92 KB', slow: false, make: garbage },
];

function changing(change: (xml: string) => string): HostileBody['make'] {
  return (good) => post(good, good.subject, requireChange(good.xml, change(good.xml)));
}

/** A replacement that finds nothing would leave a good response, and measure that. */
function requireChange(before: string, after: string): string {
  if (after === before) throw new Error('expected a changed response, received the good one');
  return after;
}

function addToResponse(xml: string, more: string): string {
  return xml.replace('</samlp:Response>', () => `${more}</samlp:Response>`);
}

function elementWithAttributes(count: number): string {
  const attributes = Array.from({ length: count }, (_, index) => {
    const [first, second] = [String.fromCharCode(97 + (index % 26)), Math.floor(index / 26)];
    return ` ${first}${second === 0 ? '' : second}=""`;
  });
  return `<a${attributes.join('')}/>`;
}

/**
 * Signature and SignedInfo stay genuine, so that the whole assertion has to be
 * canonicalized before its digest gives it away.
 */
function addValues(xml: string, count: number, attributes: string, text: string): string {
  const close = text === '' ? '/>' : `>${text}</saml:AttributeValue>`;
  const more = `<saml:AttributeValue${attributes}${close}`.repeat(count);
  const end = '</saml:Attribute></saml:AttributeStatement>';
  return xml.replace(end, () => more + end);
}

function addPrefixes(xml: string): string {
  const prefixes = Array.from({ length: 30_000 }, (_, index) => `p${index}`).join(' ');
  const inclusive = `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="${prefixes}"/>`;
  return xml.replace(/<ds:CanonicalizationMethod ([^>]*)\/>/, (_, algorithm: string) => {
    return `<ds:CanonicalizationMethod ${algorithm}>${inclusive}</ds:CanonicalizationMethod>`;
  });
}

function forgeSignature(xml: string): string {
  return xml.replace(/(<ds:SignatureValue>)(.)/, (_, tag: string, first: string) => {
    return tag + (first === 'A' ? 'B' : 'A');
  });
}

function garbage(good: Posted): Posted {
  const SAMLResponse = randomBytes(GARBAGE).toString('base64');
  return { ...good, xml: '', form: { ...good.form, SAMLResponse } };
}
