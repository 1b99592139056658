import { type KeyObject, X509Certificate } from 'node:crypto';
import type { IdentityProvider } from './identity-provider.ts';

/** A pinned certificate and its key. */
export interface SigningKey {
  /** PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
}

/** NIST SP 800-131A: shorter RSA keys no longer count as safe. */
const MIN_RSA_BITS = 2048;

// Certificates are parsed once for each loaded identity provider, not for each sign-in.
const known = new WeakMap<IdentityProvider, readonly SigningKey[]>();

/** The keys of an identity provider's pinned certificates. */
export function signingKeysOf(idp: IdentityProvider): readonly SigningKey[] {
  const before = known.get(idp);
  if (before !== undefined) return before;
  const keys = idp.certificates.map((certificate) => ({
    certificate,
    key: new X509Certificate(certificate).publicKey,
  }));
  known.set(idp, keys);
  return keys;
}

/** Whether both verifiers can use a key: RSA of at least 2048 bits. */
export function isUsableKey(key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return key.asymmetricKeyType === 'rsa' && bits >= MIN_RSA_BITS;
}
