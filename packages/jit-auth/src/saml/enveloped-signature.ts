import { createHash, timingSafeEqual, verify } from 'node:crypto';
import { XmlElement } from 'libxml2-wasm';
import { type AllowedAlgorithms, STRONG } from './algorithms.ts';
import { canonicalize } from './canonical-xml.ts';
import { ASSERTION_NS, PROTOCOL_NS } from './element.ts';
import { fromLibxml } from './libxml-element.ts';
import { isId } from './message-parts.ts';
import { refuse } from './refusal.ts';
import { readSignature, type SignatureParts } from './signature-parts.ts';
import type { SigningKey } from './signing-keys.ts';
import { MAX_UNSIGNED_TAGS } from './unsigned-part.ts';

/** Bytes that one of the given keys has signed: canonical XML of one element. */
export interface SignedBytes {
  readonly bytes: Buffer;
  /** Certificate of the key, PEM. */
  readonly certificate: string;
}

const ID_ATTRIBUTES = "//@*[local-name()='ID' or local-name()='Id' or local-name()='id']";

const OF_SAML = `.//*[namespace-uri()='${ASSERTION_NS}' or namespace-uri()='${PROTOCOL_NS}']`;

/**
 * Verifies an enveloped signature over the element that it is in, and takes the
 * signature out of the document (SAML Core §5.4, XML Signature §6.6.4). Only what
 * is read from the bytes that it answers with is signed.
 * Throws `saml.signature_…`, `saml.too_much_unsigned`, `saml.algorithm_not_allowed`, `saml.reference_mismatch`,
 * `saml.digest_mismatch`, `saml.not_canonical`.
 *
 * @param signature a child of `element`.
 */
export function verifyEnveloped(
  element: XmlElement,
  signature: XmlElement,
  keys: readonly SigningKey[],
  allowed: AllowedAlgorithms = STRONG,
): SignedBytes {
  requireFewElements(signature);
  requireNothingOfSaml(signature);
  const parts = readSignature(fromLibxml(signature), allowed);
  requireOwnReference(element, parts);
  const certificate = verifySignedInfo(signature, parts, keys);
  signature.remove();
  const bytes = canonicalize(element, parts.elementPrefixes);
  const digest = createHash(parts.digestHash).update(bytes).digest();
  if (digest.length !== parts.digestValue.length || !timingSafeEqual(digest, parts.digestValue)) {
    const expected = parts.digestValue.toString('base64');
    throw refuse('saml.digest_mismatch', expected, digest.toString('base64'));
  }
  return { bytes, certificate };
}

/** Nobody has signed KeyInfo, and it is not read: whoever fills it only wants to be waited for. */
function requireFewElements(signature: XmlElement): void {
  const elements = signature.eval('count(.//*)');
  if (typeof elements === 'number' && elements <= MAX_UNSIGNED_TAGS) return;
  const expected = `at most ${MAX_UNSIGNED_TAGS} elements in a Signature`;
  throw refuse('saml.too_much_unsigned', expected, `${elements}`);
}

/**
 * Nobody has signed KeyInfo, and XML Signature §4.5 lets anything stand in it. No
 * provider puts a part of an assertion there; whoever does hopes for a reader that
 * finds it before the signed one.
 */
function requireNothingOfSaml(signature: XmlElement): void {
  const stranger = signature.get(OF_SAML);
  if (!(stranger instanceof XmlElement)) return;
  throw refuse('saml.signature_malformed', 'nothing of SAML in a Signature', stranger.name);
}

function verifySignedInfo(
  signature: XmlElement,
  parts: SignatureParts,
  keys: readonly SigningKey[],
): string {
  // `readSignature` has seen that the first element is the only SignedInfo.
  let signedInfo = signature.firstChild;
  while (signedInfo !== null && !(signedInfo instanceof XmlElement)) signedInfo = signedInfo.next;
  if (signedInfo === null) throw refuse('saml.signature_malformed', 'SignedInfo', 'none');
  const bytes = canonicalize(signedInfo, parts.signedInfoPrefixes);
  for (const { key, certificate } of keys) {
    if (verify(parts.signatureHash, bytes, key, parts.signatureValue)) return certificate;
  }
  throw refuse('saml.signature_invalid', `one of ${keys.length} pinned keys`, 'another key');
}

/** The signature must be about the element that it is in, and its ID must be the only one. */
function requireOwnReference(element: XmlElement, { referenceId }: SignatureParts): void {
  // Not `attr('ID')`: libxml2 then takes the first ID of whichever namespace.
  const own = element.attrs.find(({ name, namespaceUri }) => name === 'ID' && namespaceUri === '');
  const id = own?.value ?? '';
  // An ID is a name, so that it can be written into a query.
  if (id !== referenceId || !isId(id)) {
    throw refuse('saml.reference_mismatch', `#${id}`, `#${referenceId}`);
  }
  const same = element.doc.find(`${ID_ATTRIBUTES}[.='${id}']`);
  if (same.length !== 1) {
    throw refuse('saml.reference_mismatch', `#${id}, once`, `${same.length} times`);
  }
}
