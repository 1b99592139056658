import {
  constants,
  createDecipheriv,
  type KeyObject,
  privateDecrypt,
  randomBytes,
} from 'node:crypto';
import type { SealedAssertion } from './encrypted-assertion.ts';

/** What was encrypted for us. Nobody has vouched for it yet. */
export interface OpenedAssertion {
  readonly text: string;
  /** Which of the keys it was encrypted for. */
  readonly keyIndex: number;
}

const GCM_NONCE = 12;
const GCM_TAG = 16;
const CBC_BLOCK = 16;

/**
 * Decrypts an assertion with whichever of the keys fits; null where none does.
 *
 * Anybody can post a ciphertext, and whoever has recorded one of somebody else
 * wants to learn from our answers what is in it. So there is nothing to learn:
 *
 * - **One outcome.** A key that does not fit, a tag that does not hold, a padding
 *   that is none are all null, and the caller makes one refusal of them and of
 *   everything that follows until a signature over the plain text has been verified.
 * - **One course.** Each key unwraps, and each result decrypts the content, whether
 *   or not an earlier one fitted. Where a key does not unwrap, a random content key
 *   takes the place of the real one (as in RFC 5246 §7.4.7.1), so that the work of
 *   the cipher is done all the same: the time says nothing of the padding, which is
 *   what Manger (OAEP) and Bleichenbacher (RSA 1.5) ask for. The padding itself is
 *   checked by OpenSSL, in constant time for OAEP; for RSA 1.5 it answers a wrong
 *   padding with a content key of its own.
 * - **GCM says nothing.** A changed ciphertext fails at the tag. Beyond the tag come
 *   only ciphertexts of the provider's own, and such as the sender made and knows.
 * - **CBC and RSA 1.5 would tell**, by the time in which a changed plain text is no
 *   longer XML (Jager and Somorovsky), also about what was encrypted by GCM for the
 *   same key. A connection that allows them has nothing decrypted but what came in
 *   a response that the provider has signed; see `needSignedCiphertext`.
 */
export function decryptAssertion(
  sealed: SealedAssertion,
  keys: readonly KeyObject[],
): OpenedAssertion | null {
  const texts = keys.map((key) => toText(decipher(sealed, unwrapKey(sealed, key))));
  const keyIndex = texts.findIndex((text) => text !== null);
  const text = texts[keyIndex] ?? null;
  return text === null ? null : { text, keyIndex };
}

/** The content key, or a random one that will not fit. */
function unwrapKey(sealed: SealedAssertion, key: KeyObject): Buffer {
  const length = keyBytes(sealed.contentEncryption);
  const substitute = randomBytes(length);
  try {
    const unwrapped = privateDecrypt({ key, ...paddingOf(sealed) }, sealed.encryptedKey);
    return unwrapped.length === length ? unwrapped : substitute;
  } catch {
    return substitute;
  }
}

function paddingOf({ oaepHash }: SealedAssertion) {
  return oaepHash === null
    ? { padding: constants.RSA_PKCS1_PADDING }
    : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
}

function keyBytes(contentEncryption: string): 16 | 32 {
  return contentEncryption.includes('aes128') ? 16 : 32;
}

function decipher(sealed: SealedAssertion, key: Buffer): Buffer | null {
  const bits = key.length * 8;
  return sealed.contentEncryption.endsWith('-gcm')
    ? decipherGcm(sealed.ciphertext, `aes-${bits === 128 ? 128 : 256}-gcm`, key)
    : decipherCbc(sealed.ciphertext, `aes-${bits}-cbc`, key);
}

/** XML Encryption 1.1 §5.2.4: a nonce of 96 bits in front, a tag of 128 bits behind. */
function decipherGcm(
  bytes: Buffer,
  cipher: 'aes-128-gcm' | 'aes-256-gcm',
  key: Buffer,
): Buffer | null {
  if (bytes.length <= GCM_NONCE + GCM_TAG) return null;
  const decipher = createDecipheriv(cipher, key, bytes.subarray(0, GCM_NONCE), {
    authTagLength: GCM_TAG,
  });
  decipher.setAuthTag(bytes.subarray(-GCM_TAG));
  const text = decipher.update(bytes.subarray(GCM_NONCE, -GCM_TAG));
  try {
    return Buffer.concat([text, decipher.final()]);
  } catch {
    return null;
  }
}

/** XML Encryption 1.1 §5.2.2: the last byte says how much of the last block is padding. */
function decipherCbc(bytes: Buffer, cipher: string, key: Buffer): Buffer | null {
  if (bytes.length < 2 * CBC_BLOCK || bytes.length % CBC_BLOCK !== 0) return null;
  const decipher = createDecipheriv(cipher, key, bytes.subarray(0, CBC_BLOCK));
  decipher.setAutoPadding(false);
  const text = Buffer.concat([decipher.update(bytes.subarray(CBC_BLOCK)), decipher.final()]);
  const padding = text.at(-1) ?? 0;
  return padding >= 1 && padding <= CBC_BLOCK ? text.subarray(0, -padding) : null;
}

/** Text that begins as XML does: without a tag, a wrong key is known by nothing else. */
function toText(bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.trimStart().startsWith('<') ? text : null;
  } catch {
    return null;
  }
}
