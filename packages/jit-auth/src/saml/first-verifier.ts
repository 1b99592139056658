import { type XmlDocument, XmlElement, XmlError } from 'libxml2-wasm';
import { readAssertion } from './assertion-facts.ts';
import { checkStatus } from './conditions.ts';
import { ASSERTION_NS, PROTOCOL_NS, SIGNATURE_NS } from './element.ts';
import { type SignedBytes, verifyEnveloped } from './enveloped-signature.ts';
import { fromLibxml, parseWithLibxml, withLibxmlDocument } from './libxml-element.ts';
import { SamlRefusal, type SamlRefusalCode } from './refusal.ts';
import {
  type EnvelopeFacts,
  type ResponseFacts,
  readEnvelope,
  readOnlyAssertion,
  type SignedParts,
} from './response-facts.ts';
import type { SamlConnection } from './saml-connection.ts';
import type { SigningKey } from './signing-keys.ts';

/** What a response says, and which pinned keys have signed it. */
export interface FirstVerdict {
  readonly facts: ResponseFacts;
  /** Certificates of the keys, PEM, without repetition. */
  readonly signedBy: readonly string[];
}

interface Anatomy {
  readonly response: XmlElement;
  readonly assertion: XmlElement;
  readonly responseSignature: XmlElement | null;
  readonly assertionSignature: XmlElement | null;
}

/**
 * What nobody has signed of a response: its shell, and the signature with its
 * KeyInfo. Whoever may sign in could fill it to keep the second verifier busy,
 * whose time grows with the square of what it reads.
 */
const MAX_UNSIGNED_BYTES = 32 * 1024;
const MAX_UNSIGNED_TAGS = 200;

/**
 * Verifies the signatures of a response with libxml2 and node:crypto, and reads
 * it from the signed bytes alone. It comes first because it is cheap: what no
 * pinned key has signed is thrown out here. A signature that is there must hold,
 * whether it was asked for or not. Throws a {@link SamlRefusal}.
 *
 * @param wanted what the connection says must be signed.
 */
export function verifyFirst(
  xml: string,
  keys: readonly SigningKey[],
  wanted: SamlConnection['signed'],
): FirstVerdict {
  try {
    return withLibxmlDocument(xml, (document) => verifyDocument(document, xml, keys, wanted));
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = { expected: 'well-formed XML', received: error.message };
    throw new SamlRefusal('saml.not_xml', detail, error);
  }
}

function verifyDocument(
  document: XmlDocument,
  xml: string,
  keys: readonly SigningKey[],
  wanted: SamlConnection['signed'],
): FirstVerdict {
  const parts = dissect(document);
  const signed: SignedParts = {
    response: parts.responseSignature !== null,
    assertion: parts.assertionSignature !== null,
  };
  requireSigned(signed, wanted);
  // The inner signature is part of what the outer one signs: the outer is checked first.
  const response = verifyIfSigned(parts.response, parts.responseSignature, keys);
  const assertion = verifyIfSigned(parts.assertion, parts.assertionSignature, keys);
  requireLittleUnsigned(xml, response ?? assertion);
  const signedBy = [response, assertion].flatMap((part) => part?.certificate ?? []);
  return {
    facts: { ...readSigned(parts, response, assertion), signed },
    signedBy: [...new Set(signedBy)],
  };
}

function readSigned(
  parts: Anatomy,
  response: SignedBytes | null,
  assertion: SignedBytes | null,
): Omit<ResponseFacts, 'signed'> {
  if (response !== null) {
    const signed = parseWithLibxml(response.bytes);
    const inside = readOnlyAssertion(signed);
    if (inside === null) throw refuse('saml.not_one_assertion', 'one Assertion', 'none');
    return { envelope: readEnvelope(signed), assertion: inside };
  }
  if (assertion === null) throw refuse('saml.signature_missing', 'a signature', 'none');
  // It is read from its signed bytes: only the shell is left to be read from here.
  parts.assertion.remove();
  return {
    envelope: readEnvelope(fromLibxml(parts.response)),
    assertion: readAssertion(parseWithLibxml(assertion.bytes)),
  };
}

function requireLittleUnsigned(xml: string, signed: SignedBytes | null): void {
  const bytes = Buffer.byteLength(xml) - (signed?.bytes.length ?? 0);
  const tags = countTags(xml) - countTags(signed?.bytes.toString('utf8') ?? '');
  if (bytes <= MAX_UNSIGNED_BYTES && tags <= MAX_UNSIGNED_TAGS) return;
  const expected = `at most ${MAX_UNSIGNED_BYTES} bytes and ${MAX_UNSIGNED_TAGS} tags`;
  throw refuse('saml.too_much_unsigned', expected, `${bytes} bytes and ${tags} tags`);
}

function countTags(xml: string): number {
  return xml.split('<').length - 1;
}

/** Finds the parts by their places, and refuses whatever else bears their names. */
function dissect(document: XmlDocument): Anatomy {
  const response = document.root;
  if (response.name !== 'Response' || response.namespaceUri !== PROTOCOL_NS) {
    throw refuse('saml.malformed', `Response in ${PROTOCOL_NS}`, response.name);
  }
  const assertions = findAll(document, 'Assertion');
  const [assertion] = assertions;
  if (assertion === undefined) throw withoutAssertion(readEnvelope(fromLibxml(response)));
  if (assertions.length > 1) {
    throw refuse('saml.not_one_assertion', 'one Assertion', `${assertions.length}`);
  }
  if (assertion.namespaceUri !== ASSERTION_NS || !assertion.parent?.isSameNode(response)) {
    throw refuse('saml.malformed', `Assertion of ${ASSERTION_NS} in Response`, 'another place');
  }
  const signatures = findAll(document, 'Signature');
  const responseSignature = onlyIn(response, signatures);
  const assertionSignature = onlyIn(assertion, signatures);
  const placed = [responseSignature, assertionSignature].filter((found) => found !== null);
  if (placed.length !== signatures.length) {
    throw refuse('saml.signature_malformed', 'Signature in Response or Assertion', 'elsewhere');
  }
  return { response, assertion, responseSignature, assertionSignature };
}

/** SAML Core §3.2.2.2: a provider that lets nobody in says why. */
function withoutAssertion(envelope: EnvelopeFacts): SamlRefusal {
  checkStatus(envelope);
  return refuse('saml.not_one_assertion', 'one Assertion', 'none');
}

function findAll(document: XmlDocument, name: string): readonly XmlElement[] {
  return document
    .find(`//*[local-name()='${name}']`)
    .filter((node): node is XmlElement => node instanceof XmlElement);
}

function onlyIn(parent: XmlElement, signatures: readonly XmlElement[]): XmlElement | null {
  const inside = signatures.filter((signature) => signature.parent?.isSameNode(parent));
  const [signature] = inside;
  if (signature === undefined) return null;
  if (inside.length > 1 || signature.namespaceUri !== SIGNATURE_NS) {
    throw refuse('saml.signature_malformed', `one Signature of ${SIGNATURE_NS}`, 'another');
  }
  return signature;
}

function requireSigned(signed: SignedParts, wanted: SamlConnection['signed']): void {
  const missing =
    (wanted !== 'response' && !signed.assertion) || (wanted !== 'assertion' && !signed.response);
  if (!missing) return;
  const received = Object.entries(signed).filter(([, is]) => is);
  throw refuse(
    'saml.signature_missing',
    wanted,
    received.map(([name]) => name).join(', ') || 'none',
  );
}

/** As {@link verifyEnveloped}; null where there is no signature. */
function verifyIfSigned(
  element: XmlElement,
  signature: XmlElement | null,
  keys: readonly SigningKey[],
): SignedBytes | null {
  return signature === null ? null : verifyEnveloped(element, signature, keys);
}

function refuse(code: SamlRefusalCode, expected: string, received: string): SamlRefusal {
  return new SamlRefusal(code, { expected, received });
}
