import { SAML } from '@node-saml/node-saml';
import { getVerifiedXml, parseDomFromString, xpath } from '@node-saml/node-saml/lib/xml.js';
import { decrypt } from 'xml-encryption';
import { type AllowedAlgorithms, RSA_OAEP_11 } from './algorithms.ts';
import { ASSERTION_NS } from './element.ts';
import { readEncryptedAssertion } from './encrypted-assertion.ts';
import type { SignedParts } from './response-facts.ts';
import { parseWithXmldom } from './xmldom-element.ts';

/** With what a sealed response is verified. */
export interface SealedTerms {
  /** What the first verifier found signed; the rest is not looked at. */
  readonly signed: SignedParts;
  /** Our private key, PEM. */
  readonly decryptionKey: string;
  readonly allowed: AllowedAlgorithms;
}

const SEALED_APART = new RegExp(
  `<(?:[^\\s<>/:]+:)?EncryptionMethod\\s[^<>]*Algorithm\\s*=\\s*["']${RSA_OAEP_11}["']`,
);
const ASSERTIONS = "//*[local-name()='Assertion' or local-name()='EncryptedAssertion']";

/**
 * Whether a response is encrypted in a way that node-saml does not know. Both ways are
 * as strict: who makes it look like one that is read the other way has it refused.
 */
export function isSealedApart(xml: string): boolean {
  return SEALED_APART.test(xml);
}

/**
 * node-saml, whose own xml-encryption is too old for RSA-OAEP of XML Encryption 1.1,
 * with a newer one. Signatures are verified, and conditions checked, by the same
 * functions of it that verify every other response.
 */
export class SealedSaml extends SAML {
  /**
   * As `validatePostResponseAsync`. The ciphertext is read from the signed bytes where
   * the response is signed, and the assertion from its own signed bytes where it is.
   * Throws an Error for whatever does not hold.
   */
  async validateSealed(xml: string, { signed, decryptionKey, allowed }: SealedTerms) {
    const { documentElement } = await parseDomFromString(xml);
    const certificates = await this.getKeyInfosAsPem();
    const response = signed.response ? getVerifiedXml(xml, documentElement, certificates) : xml;
    if (response === null) throw new Error('Invalid document signature');
    const { documentElement: root } = await parseDomFromString(response);
    const inResponseTo = root.getAttribute('InResponseTo') || null;
    await this.validateInResponseTo(inResponseTo);
    const plain = await decryptSealed(cutSealed(root), decryptionKey, allowed);
    const { documentElement: inside } = await parseDomFromString(plain);
    if (inside.localName !== 'Assertion' || inside.namespaceURI !== ASSERTION_NS) {
      throw new Error('Invalid EncryptedAssertion content');
    }
    const own = signed.assertion || !signed.response;
    const assertion = own ? getVerifiedXml(plain, inside, certificates) : plain;
    if (assertion === null) throw new Error('Invalid signature from encrypted assertion');
    return this.processValidlySignedAssertionAsync(assertion, response, inResponseTo);
  }
}

/** The one EncryptedAssertion of a response, as a document of its own. */
function cutSealed(root: Document['documentElement']): string {
  const [sealed, more] = xpath.selectElements(root, ASSERTIONS);
  const fits =
    more === undefined &&
    sealed?.localName === 'EncryptedAssertion' &&
    sealed.namespaceURI === ASSERTION_NS &&
    sealed.parentNode === root;
  if (!fits) throw new Error('not one EncryptedAssertion in Response');
  return sealed.toString();
}

/**
 * Two hashes in one padding never get as far as the library: it would undo them in
 * JavaScript, whose time says too much.
 */
function decryptSealed(sealed: string, key: string, allowed: AllowedAlgorithms): Promise<string> {
  const { keyTransport } = readEncryptedAssertion(parseWithXmldom(sealed), allowed);
  if (keyTransport !== RSA_OAEP_11) throw new Error(`${keyTransport} is node-saml's own`);
  const options = { key, disallowDecryptionWithInsecureAlgorithm: !allowsCbc(allowed) };
  return new Promise((resolve, reject) => {
    decrypt(sealed, { ...options, warnInsecureAlgorithm: false }, (error, text) => {
      if (error === null) resolve(text);
      else reject(error);
    });
  });
}

function allowsCbc({ contentEncryption }: AllowedAlgorithms): boolean {
  return contentEncryption.some((name) => name.endsWith('-cbc'));
}
