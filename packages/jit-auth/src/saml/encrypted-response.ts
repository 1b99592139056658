import { codeOf } from '@rollcall/shared/core/errors';
import { readAssertion } from './assertion-facts.ts';
import { decryptAssertion, type OpenedAssertion } from './decryption.ts';
import { ASSERTION_NS, type Element, requireChild } from './element.ts';
import { readEncryptedAssertion, type SealedAssertion } from './encrypted-assertion.ts';
import { type SignedBytes, verifyEnveloped } from './enveloped-signature.ts';
import { fromLibxml, parseWithLibxml, withLibxmlDocument } from './libxml-element.ts';
import { checkDecryptedText } from './raw-response.ts';
import { SamlRefusal } from './refusal.ts';
import { type Anatomy, signatureOfAssertion } from './response-anatomy.ts';
import { type ResponseFacts, readEnvelope, requireSigned } from './response-facts.ts';
import { extentOf, requireLittleUnsigned } from './unsigned-part.ts';
import type { VerificationTerms } from './verification-terms.ts';

/** A response whose assertion was encrypted, as it reads. */
export interface EncryptedResponse {
  readonly facts: ResponseFacts;
  /** What the assertion's own signature signs; null where it has none. */
  readonly signature: SignedBytes | null;
  readonly keyIndex: number;
}

const NOT_SIGNED = { expected: 'a signature', received: 'none' };

/** The plain text of an assertion whose own signature, where it has one, holds. */
interface VerifiedText {
  readonly element: Element;
  readonly signature: SignedBytes | null;
  readonly keyIndex: number;
}

/**
 * Decrypts the assertion of a response and verifies what it finds. Everything
 * that fails before somebody has vouched for the plain text is
 * `saml.decryption_failed` without more words; `decryption.ts` says why.
 *
 * @param response what the response's signature signs, the ciphertext included:
 *   verified already, or null where the response is not signed.
 */
export function readEncryptedResponse(
  parts: Anatomy,
  xml: string,
  response: SignedBytes | null,
  terms: VerificationTerms,
): EncryptedResponse {
  requireSignedResponse(response !== null, terms);
  const root = response === null ? fromLibxml(parts.response) : parseWithLibxml(response.bytes);
  const sealed = readSealed(requireChild(root, ASSERTION_NS, 'EncryptedAssertion'), terms);
  requireLittleUnsigned(
    extentOf(xml),
    response === null
      ? { bytes: sealed.encodedBytes, tags: 0 }
      : extentOf(response.bytes.toString('utf8')),
  );
  const text = openSealed(sealed, response !== null, terms);
  const signed = { response: response !== null, assertion: text.signature !== null };
  requireSigned(signed, terms.signed);
  const assertion = readAssertion(text.element);
  return {
    facts: { envelope: readEnvelope(root), assertion, signed },
    signature: text.signature,
    keyIndex: text.keyIndex,
  };
}

/** Both are known without decrypting anything. */
function requireSignedResponse(signed: boolean, terms: VerificationTerms): void {
  if (signed) return;
  if (terms.signed !== 'assertion')
    requireSigned({ response: false, assertion: false }, 'response');
  if (!terms.needSignedCiphertext) return;
  throw new SamlRefusal('saml.signature_missing', {
    expected: 'a signed response, as weak encryption is allowed',
    received: 'none',
  });
}

function readSealed(encrypted: Element, terms: VerificationTerms): SealedAssertion {
  try {
    return readEncryptedAssertion(encrypted, terms.allowed);
  } catch (error) {
    // An algorithm stands in plain text; whoever has to change it needs to know.
    if (error instanceof SamlRefusal && error.code === 'saml.algorithm_not_allowed') throw error;
    throw decryptionFailed(terms);
  }
}

function openSealed(
  sealed: SealedAssertion,
  vouchedFor: boolean,
  terms: VerificationTerms,
): VerifiedText {
  const opened = decryptAssertion(sealed, terms.decryptionKeys);
  if (opened === null) throw decryptionFailed(terms);
  try {
    return verifyOpened(opened, vouchedFor, terms);
  } catch (error) {
    // Whatever it is: an error of another kind would look different to a browser.
    const tell = vouchedFor && !terms.needSignedCiphertext;
    throw decryptionFailed(terms, tell ? codeOf(error) : null);
  }
}

function verifyOpened(
  { text, keyIndex }: OpenedAssertion,
  vouchedFor: boolean,
  { signingKeys, allowed }: VerificationTerms,
): VerifiedText {
  checkDecryptedText(text, allowed);
  return withLibxmlDocument(text, (document) => {
    const found = signatureOfAssertion(document);
    if (found === null && vouchedFor) {
      return { element: fromLibxml(document.root), signature: null, keyIndex };
    }
    if (found === null) throw new SamlRefusal('saml.signature_missing', NOT_SIGNED);
    const signature = verifyEnveloped(document.root, found, signingKeys, allowed);
    requireLittleUnsigned(extentOf(text), extentOf(signature.bytes.toString('utf8')));
    return { element: parseWithLibxml(signature.bytes), signature, keyIndex };
  });
}

/**
 * The one refusal. What is inside is told only where the provider has signed the
 * ciphertext, so that nobody else can have made it, and where no weak algorithm
 * would turn it into an oracle for another connection with the same key.
 */
function decryptionFailed(terms: VerificationTerms, inside: string | null = null): SamlRefusal {
  return new SamlRefusal('saml.decryption_failed', {
    expected: `a signed assertion, encrypted for one of ${terms.decryptionKeys.length} keys`,
    received: 'something else',
    ...(inside === null ? {} : { inside }),
  });
}
