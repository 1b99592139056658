import { type AllowedAlgorithms, OAEP_HASHES } from './algorithms.ts';
import { isBase64 } from './base64.ts';
import { checkNamespaceNames } from './namespace-names.ts';
import { refuse, SamlRefusal } from './refusal.ts';
import { extentOf, NOTHING, requireLittleUnsigned } from './unsigned-part.ts';

/** The posted form, as the body parser made it of what came. */
export type PostedForm = Readonly<Record<string, unknown>>;

/** A response that may be parsed: checked as text, and not yet believed in any respect. */
export interface RawResponse {
  readonly xml: string;
  /** An opaque value of ours, or whatever somebody put there; null where none came. */
  readonly relayState: string | null;
}

/** The largest response in bytes. 500 groups by long names are some 85 KB. */
export const MAX_RESPONSE_BYTES = 256 * 1024;
/** Tags, opening and closing. A group costs two. */
const MAX_TAGS = 5000;
/** Attributes and declarations of one tag. */
const MAX_ATTRIBUTES = 50;
/**
 * Tags, attributes and declarations together: each costs both a parser and a canonicalizer
 * about the same. 1,500 groups with three attributes each are 7,600.
 */
const MAX_MARKUP = 8000;
/** Namespaces declared around one place; to resolve a prefix, all of them may be looked through. */
const MAX_DECLARATIONS = 50;
/** Levels of elements; a signature's transforms are on the eighth. */
const MAX_DEPTH = 32;
/** One for the response, one for its assertion. */
const MAX_SIGNATURES = 2;

/** RFC 2045 §6.8 breaks lines; nothing else is let through. */
/** XML 1.0 in UTF-8, or nothing said: any other reading is one more to agree on. */
const XML_DECLARATION =
  /^<\?xml\s+version=["']1\.0["'](?:\s+encoding=["']utf-8["'])?(?:\s+standalone=["'](?:yes|no)["'])?\s*\?>/i;

/** The beginning and the end of the assertion, plain or encrypted. */
const ASSERTION_TAGS = /<\/?(?:[^\s<>/:]+:)?(?:Encrypted)?Assertion[\s/>]/g;

/**
 * Takes the response out of a posted form and refuses, before any XML is parsed,
 * what no identity provider sends: cheap, and it leaves the parsers nothing to
 * disagree about. Throws a {@link SamlRefusal}.
 */
export function readRawResponse(form: PostedForm, allowed: AllowedAlgorithms): RawResponse {
  const encoded = requireOneValue(form, 'SAMLResponse');
  const xml = decodePosted(encoded);
  checkMarkup(xml);
  checkShape(xml);
  checkCounts(xml);
  checkShell(xml);
  checkAlgorithms(xml, namesForResponse(xml, allowed));
  const relayState = Object.hasOwn(form, 'RelayState') ? form.RelayState : null;
  return { xml, relayState: typeof relayState === 'string' ? relayState : null };
}

/**
 * Checks the text of a logout message before any parser sees it, as that of a response.
 * Throws a {@link SamlRefusal}.
 *
 * @param signatures how many Signature elements it may have.
 */
export function checkLogoutText(xml: string, allowed: AllowedAlgorithms, signatures: 0 | 1): void {
  checkMarkup(xml);
  checkShape(xml);
  if (countElements(xml, 'EncryptedID') > 0) {
    throw refuse('saml.logout_encrypted_id', 'NameID', 'EncryptedID');
  }
  const found = countElements(xml, 'Signature');
  if (found > signatures) {
    throw refuse('saml.too_many_signatures', `${signatures} Signatures`, `${found}`);
  }
  checkAlgorithms(xml, namesForSignatures(allowed));
}

function requireOneValue(form: PostedForm, name: string): string {
  const value = Object.hasOwn(form, name) ? form[name] : undefined;
  if (Array.isArray(value)) {
    throw refuse('saml.response_repeated', `one ${name}`, `${value.length}`);
  }
  if (typeof value !== 'string' || value === '') {
    throw refuse('saml.response_missing', name, typeof value);
  }
  return value;
}

/** Undoes the base64 of a posted message (SAML Bindings §3.5.4). Throws a {@link SamlRefusal}. */
export function decodePosted(encoded: string): string {
  // Four characters carry three bytes; line breaks may add a few.
  if (encoded.length > MAX_RESPONSE_BYTES * 1.5) throw tooLarge(encoded.length * 0.75);
  const joined = encoded.replaceAll(/[\r\n]/g, '');
  const bytes = decodeBase64(joined);
  if (bytes.length > MAX_RESPONSE_BYTES) throw tooLarge(bytes.length);
  return decodeUtf8(bytes);
}

/** Throws `saml.bad_base64` for everything but plain base64 with its padding. */
export function decodeBase64(encoded: string): Buffer {
  if (!isBase64(encoded)) throw refuse('saml.bad_base64', 'base64', 'other characters');
  return Buffer.from(encoded, 'base64');
}

/** Throws `saml.bad_utf8`. */
export function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const detail = { expected: 'UTF-8', received: 'other bytes' };
    throw new SamlRefusal('saml.bad_utf8', detail, cause);
  }
}

function tooLarge(bytes: number): SamlRefusal {
  const expected = `at most ${MAX_RESPONSE_BYTES} bytes`;
  return refuse('saml.too_large', expected, `${Math.ceil(bytes)}`);
}

/**
 * `<` cannot occur but in markup, so the text itself says whether there is a
 * document type, an entity, a comment, CDATA or a processing instruction.
 */
function checkMarkup(xml: string): void {
  if (!xml.trimStart().startsWith('<')) throw refuse('saml.not_xml', '<', xml.slice(0, 20));
  const declaration = XML_DECLARATION.exec(xml)?.[0] ?? '';
  const forbidden = /<[!?].{0,10}/.exec(xml.slice(declaration.length));
  if (forbidden !== null) throw refuse('saml.forbidden_markup', 'elements only', forbidden[0]);
}

/** What a parser and a canonicalizer do for each tag, and for each prefix in it, has bounds. */
function checkShape(xml: string): void {
  checkNamespaceNames(xml);
  const tags = count(xml, /</g);
  if (tags > MAX_TAGS) throw refuse('saml.too_many_elements', `${MAX_TAGS} tags`, `${tags}`);
  let markup = tags;
  /** How many namespaces each element declares that is open here. */
  const open: number[] = [];
  for (const [tag] of xml.matchAll(/<(?:[^<>"']|"[^"<]*"|'[^'<]*')*/g)) {
    if (tag.startsWith('</')) {
      open.pop();
      continue;
    }
    const attributes = count(tag, /=\s*["']/g);
    requireAtMost(MAX_ATTRIBUTES, attributes, 'in a tag');
    markup += attributes;
    requireAtMost(MAX_MARKUP, markup, 'and tags in all');
    open.push(count(tag, /\sxmlns[:\s=]/g));
    requireAtMost(MAX_DECLARATIONS, sum(open), 'that declare namespaces around one place');
    if (open.length > MAX_DEPTH) throw refuse('saml.too_deep', `${MAX_DEPTH} levels`, 'more');
    if (tag.endsWith('/')) open.pop();
  }
}

function requireAtMost(most: number, found: number, where: string): void {
  if (found <= most) return;
  throw refuse('saml.too_many_attributes', `at most ${most} ${where}`, `${found}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function checkCounts(xml: string): void {
  if (countElements(xml, 'Encrypted(?:ID|Attribute)') > 0) {
    const expected = 'EncryptedAssertion, or plain text';
    throw refuse('saml.encrypted_not_supported', expected, 'EncryptedID or EncryptedAttribute');
  }
  // None at all is what a provider sends with the reason why it let nobody in.
  const assertions = countElements(xml, '(?:Encrypted)?Assertion');
  if (assertions > 1) throw refuse('saml.not_one_assertion', 'one Assertion', `${assertions}`);
  for (const name of ['EncryptedData', 'EncryptedKey']) {
    const found = countElements(xml, name);
    if (found > 1) throw refuse('saml.malformed', `one ${name}`, `${found}`);
  }
  const signatures = countElements(xml, 'Signature');
  if (signatures > MAX_SIGNATURES) {
    throw refuse('saml.too_many_signatures', `${MAX_SIGNATURES} Signatures`, `${signatures}`);
  }
}

/**
 * What stands around the only assertion is the shell, which has few elements whoever signs
 * it. Known from the text alone, because no comment or CDATA can hide a tag.
 */
function checkShell(xml: string): void {
  const places = [...xml.matchAll(ASSERTION_TAGS)].map(({ index }) => index);
  const [begin = xml.length] = places;
  const shell = xml.slice(0, begin) + xml.slice(places.length > 1 ? places.at(-1) : begin);
  requireLittleUnsigned({ bytes: 0, tags: extentOf(shell).tags }, NOTHING);
}

/**
 * Checks the text of a decrypted assertion as that of a response: it was hidden
 * when the response was checked. Throws a {@link SamlRefusal}.
 */
export function checkDecryptedText(text: string, allowed: AllowedAlgorithms): void {
  checkMarkup(text);
  checkShape(text);
  const assertions = countElements(text, '(?:Encrypted)?Assertion');
  if (assertions !== 1) throw refuse('saml.not_one_assertion', 'one Assertion', `${assertions}`);
  const signatures = countElements(text, 'Signature');
  if (signatures > 1) throw refuse('saml.too_many_signatures', 'one Signature', `${signatures}`);
  checkAlgorithms(text, namesForSignatures(allowed));
}

function namesForSignatures(allowed: AllowedAlgorithms): readonly string[] {
  const { signature, digest, canonicalization, transform } = allowed;
  return [...signature, ...digest, ...canonicalization, ...transform];
}

/** Which name may stand where is checked with the structure; here, which may stand anywhere. */
function namesForResponse(xml: string, allowed: AllowedAlgorithms): readonly string[] {
  const names = namesForSignatures(allowed);
  if (countElements(xml, 'EncryptedAssertion') === 0) return names;
  const oaep = OAEP_HASHES.flatMap(({ digest, mask }) => [digest, mask]);
  return [...names, ...allowed.keyTransport, ...allowed.contentEncryption, ...oaep];
}

function checkAlgorithms(xml: string, names: readonly string[]): void {
  for (const [, double, single] of xml.matchAll(/\sAlgorithm\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g)) {
    const algorithm = double ?? single ?? '';
    if (!names.includes(algorithm)) {
      throw refuse('saml.algorithm_not_allowed', names, algorithm);
    }
  }
}

/** How often an element begins, whatever its prefix. */
function countElements(xml: string, name: string): number {
  return count(xml, new RegExp(`<(?:[^\\s<>/:]+:)?${name}[\\s/>]`, 'g'));
}

function count(xml: string, pattern: RegExp): number {
  return xml.match(pattern)?.length ?? 0;
}
