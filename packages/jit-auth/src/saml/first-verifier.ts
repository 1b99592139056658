import type { XmlDocument, XmlElement } from 'libxml2-wasm';
import { readAssertion } from './assertion-facts.ts';
import { readEncryptedResponse } from './encrypted-response.ts';
import { type SignedBytes, verifyEnveloped } from './enveloped-signature.ts';
import { fromLibxml, parseWithLibxml, withLibxmlDocument } from './libxml-element.ts';
import { refuse, SamlRefusal } from './refusal.ts';
import { type Anatomy, dissectResponse } from './response-anatomy.ts';
import {
  type ResponseFacts,
  readEnvelope,
  readOnlyAssertion,
  requireSigned,
  type SignedParts,
} from './response-facts.ts';
import { extentOf, NOTHING, requireLittleUnsigned } from './unsigned-part.ts';
import type { VerificationTerms } from './verification-terms.ts';
import { requireWellFormed } from './well-formed.ts';

/** What a response says, and which keys it took to know. */
export interface FirstVerdict {
  readonly facts: ResponseFacts;
  /** Certificates of the pinned keys that have signed, PEM, without repetition. */
  readonly signedBy: readonly string[];
  /** Which of our decryption keys the assertion was encrypted for; null where it was not encrypted. */
  readonly decryptionKey: number | null;
}

/**
 * Verifies the signatures of a response with libxml2 and node:crypto, and reads
 * it from the signed bytes alone. It comes first because it is cheap: what no
 * pinned key has signed is thrown out here. A signature that is there must hold,
 * whether it was asked for or not. Throws a {@link SamlRefusal}.
 */
export function verifyFirst(xml: string, terms: VerificationTerms): FirstVerdict {
  return requireWellFormed(() =>
    withLibxmlDocument(xml, (document) => verifyDocument(document, xml, terms)),
  );
}

function verifyDocument(
  document: XmlDocument,
  xml: string,
  terms: VerificationTerms,
): FirstVerdict {
  const parts = dissectResponse(document);
  if (parts.encrypted) return verifyEncrypted(parts, xml, terms);
  if (terms.encryption === 'required') {
    throw refuse('saml.not_encrypted', 'EncryptedAssertion', 'Assertion');
  }
  const signed: SignedParts = {
    response: parts.responseSignature !== null,
    assertion: parts.assertionSignature !== null,
  };
  requireSigned(signed, terms.signed);
  // The inner signature is part of what the outer one signs: the outer is checked first.
  const response = verifyIfSigned(parts.response, parts.responseSignature, terms);
  const assertion = verifyIfSigned(parts.assertion, parts.assertionSignature, terms);
  const largest = (response ?? assertion)?.bytes.toString('utf8');
  requireLittleUnsigned(extentOf(xml), largest === undefined ? NOTHING : extentOf(largest));
  return {
    facts: { ...readSigned(parts, response, assertion), signed },
    signedBy: certificatesOf(response, assertion),
    decryptionKey: null,
  };
}

function verifyEncrypted(parts: Anatomy, xml: string, terms: VerificationTerms): FirstVerdict {
  if (terms.decryptionKeys.length === 0) {
    throw refuse('saml.encrypted_without_key', 'a key under decryption', 'none');
  }
  // The signature is over the ciphertext: it is verified before anything is decrypted.
  const response = verifyIfSigned(parts.response, parts.responseSignature, terms);
  const { facts, signature, keyIndex } = readEncryptedResponse(parts, xml, response, terms);
  return { facts, signedBy: certificatesOf(response, signature), decryptionKey: keyIndex };
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

/** As {@link verifyEnveloped}; null where there is no signature. */
function verifyIfSigned(
  element: XmlElement,
  signature: XmlElement | null,
  { signingKeys, allowed }: VerificationTerms,
): SignedBytes | null {
  return signature === null ? null : verifyEnveloped(element, signature, signingKeys, allowed);
}

function certificatesOf(...parts: readonly (SignedBytes | null)[]): readonly string[] {
  return [...new Set(parts.flatMap((part) => part?.certificate ?? []))];
}
