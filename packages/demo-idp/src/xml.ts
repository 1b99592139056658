/** Markup that goes into a document as it is: for hostile tests, never for people's data. */
export interface RawXml {
  readonly xml: string;
}

/** A text to be escaped, or markup to be left alone. */
export type XmlText = string | RawXml;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // As references, because a parser turns the bare characters into spaces in attributes.
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

/** What XML 1.0 §2.2 has no way to write: control characters but tab and line ends, and noncharacters. */
const UNWRITABLE = /[^\P{Cc}\t\n\r\x7f-\x9f]|[\ufffe\uffff]/gu;

/** Escapes a text for an element or an attribute; what XML cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(UNWRITABLE, '\ufffd')
    .replace(/[&<>"'\t\n\r]/g, (character) => ENTITIES[character] ?? character);
}

/** The text escaped, or the markup as it is. */
export function renderText(text: XmlText): string {
  return typeof text === 'string' ? escapeXml(text) : text.xml;
}

/** Attributes as they stand in a start tag, each with a space before it; undefined ones are left out. */
export function renderAttributes(attributes: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}="${escapeXml(value)}"`))
    .join('');
}

/** An element; one with no content is closed at once. */
export function renderElement(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  content: string,
): string {
  const start = `${name}${renderAttributes(attributes)}`;
  return content === '' ? `<${start}/>` : `<${start}>${content}</${name}>`;
}
