import { type AllowedAlgorithms, type OaepHash, requireAllowed } from './algorithms.ts';
import { isBase64 } from './base64.ts';
import {
  attributeOf,
  type Element,
  isNamed,
  malformed,
  requireAttribute,
  SIGNATURE_NS,
  textOf,
} from './element.ts';
import { ENCRYPTION_NS, type KeyTransport, readKeyTransport } from './key-transport.ts';
import { isId } from './message-parts.ts';

/** An EncryptedAssertion in one of the two shapes that are accepted. */
export interface SealedAssertion {
  /** Identifier of the key transport; how the content key was encrypted for us. */
  readonly keyTransport: string;
  /** Hash of its OAEP padding; null for another padding. */
  readonly oaepHash: OaepHash | null;
  readonly encryptedKey: Buffer;
  /** Identifier of the cipher. */
  readonly contentEncryption: string;
  /** Initialization vector, ciphertext, and for GCM the tag (XML Encryption 1.1 §5.2.4). */
  readonly ciphertext: Buffer;
  /** Bytes of the XML that both ciphertexts fill. */
  readonly encodedBytes: number;
}

const ELEMENT_TYPE = `${ENCRYPTION_NS}Element`;
const KEY_TYPE = `${ENCRYPTION_NS}EncryptedKey`;
/** What a reader that looks for local names anywhere could take for a part of the encryption. */
const MEANT_ELSEWHERE = new Set([
  'EncryptedData',
  'EncryptedKey',
  'EncryptionMethod',
  'DigestMethod',
  'MGF',
  'OAEPparams',
  'CipherData',
  'CipherValue',
  'KeyInfo',
  'RetrievalMethod',
]);

/**
 * Reads an EncryptedAssertion (SAML Core §2.3.4): one EncryptedData, and one
 * EncryptedKey within its KeyInfo, or beside it and named there. All else that XML
 * Encryption allows is refused: the second verifier looks for local names wherever
 * they are, so each may be there once. Throws `saml.malformed`,
 * `saml.algorithm_not_allowed`.
 */
export function readEncryptedAssertion(
  encrypted: Element,
  allowed: AllowedAlgorithms,
): SealedAssertion {
  const [data, beside, more] = encrypted.children;
  if (!isEncryption(data, 'EncryptedData') || more !== undefined) {
    throw malformed('one EncryptedData', 'something else');
  }
  requireNoText(encrypted);
  const type = attributeOf(data, 'Type');
  if (type !== null && type !== ELEMENT_TYPE) throw malformed(ELEMENT_TYPE, type);
  const [method, keyInfo, cipherData] = data.children;
  if (
    data.children.length !== 3 ||
    !isEncryption(method, 'EncryptionMethod') ||
    !isKeyInfo(keyInfo) ||
    !isEncryption(cipherData, 'CipherData')
  ) {
    throw malformed('EncryptionMethod, KeyInfo, CipherData', 'something else');
  }
  requireNoText(data);
  if (method.children.length > 0) throw malformed('no parameters of a cipher', 'some');
  const key = readEncryptedKey(findEncryptedKey(keyInfo, beside), allowed);
  const content = readCipherValue(cipherData);
  return {
    keyTransport: key.keyTransport,
    oaepHash: key.oaepHash,
    encryptedKey: key.bytes,
    contentEncryption: requireAllowed(
      requireAttribute(method, 'Algorithm'),
      allowed.contentEncryption,
    ),
    ciphertext: content.bytes,
    encodedBytes: key.encodedBytes + content.encodedBytes,
  };
}

/** XML Encryption 1.1 §3.5: the key is within KeyInfo, or RetrievalMethod says which one it is. */
function findEncryptedKey(keyInfo: Element, beside: Element | undefined): Element {
  const [inside, more] = keyInfo.children;
  requireNoText(keyInfo);
  if (inside === undefined || more !== undefined) throw malformed('one EncryptedKey', 'others');
  if (isEncryption(inside, 'EncryptedKey')) {
    if (beside !== undefined) throw malformed('one EncryptedKey', 'two');
    return inside;
  }
  if (!isNamed(inside, SIGNATURE_NS, 'RetrievalMethod') || inside.children.length > 0) {
    throw malformed('EncryptedKey or RetrievalMethod', inside.name);
  }
  const type = attributeOf(inside, 'Type');
  const id = requireAttribute(inside, 'URI').slice(1);
  const fits =
    isEncryption(beside, 'EncryptedKey') &&
    (type === null || type === KEY_TYPE) &&
    requireAttribute(inside, 'URI').startsWith('#') &&
    isId(id) &&
    attributeOf(beside, 'Id') === id;
  if (!fits) throw malformed('the EncryptedKey that RetrievalMethod names', 'another');
  return beside;
}

interface WrappedKey extends CipherValue, KeyTransport {}

/** XML Encryption 1.1 §3.5.1. */
function readEncryptedKey(key: Element, allowed: AllowedAlgorithms): WrappedKey {
  const [method, ...rest] = key.children;
  if (!isEncryption(method, 'EncryptionMethod')) throw malformed('EncryptionMethod', 'none');
  requireNoText(key);
  const recipient = isKeyInfo(rest[0]) ? rest.shift() : undefined;
  if (recipient !== undefined) requireOnlyNames(recipient);
  const cipherData = rest.shift();
  if (!isEncryption(cipherData, 'CipherData')) throw malformed('CipherData', 'none');
  for (const after of rest) {
    // They say what the key is for: nothing that is not known.
    if (isEncryption(after, 'CarriedKeyName') || isEncryption(after, 'ReferenceList')) {
      requireOnlyNames(after);
    } else throw malformed('nothing after CipherData', after.name);
  }
  return { ...readKeyTransport(method, allowed), ...readCipherValue(cipherData) };
}

interface CipherValue {
  readonly bytes: Buffer;
  readonly encodedBytes: number;
}

/** XML Encryption 1.1 §3.3: the value itself. What has to be fetched first is never fetched. */
function readCipherValue(cipherData: Element): CipherValue {
  const [value, more] = cipherData.children;
  if (!isEncryption(value, 'CipherValue') || more !== undefined) {
    throw malformed('one CipherValue', 'something else');
  }
  requireNoText(cipherData);
  const encoded = textOf(value);
  const joined = encoded.replaceAll(/[ \t\r\n]/g, '');
  if (joined === '' || !isBase64(joined)) throw malformed('base64', 'other characters');
  return { bytes: Buffer.from(joined, 'base64'), encodedBytes: encoded.length };
}

function requireOnlyNames(element: Element): void {
  for (const child of element.children) {
    if (MEANT_ELSEWHERE.has(child.name)) throw malformed('names of keys', child.name);
    requireOnlyNames(child);
  }
}

function requireNoText(element: Element): void {
  if (element.text.trim() !== '') throw malformed(`no text in ${element.name}`, 'text');
}

interface EncryptionElement extends Element {
  readonly namespace: typeof ENCRYPTION_NS;
}

function isEncryption(element: Element | undefined, name: string): element is EncryptionElement {
  return element !== undefined && isNamed(element, ENCRYPTION_NS, name);
}

function isKeyInfo(element: Element | undefined): element is Element {
  return element !== undefined && isNamed(element, SIGNATURE_NS, 'KeyInfo');
}
