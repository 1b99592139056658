import { type KeyObject, X509Certificate } from 'node:crypto';
import type { IdentityProvider } from './identity-provider.ts';
import { metadataError } from './metadata-error.ts';

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

/**
 * The keys of an identity provider's pinned certificates that both verifiers can
 * use: RSA of at least 2048 bits. Others are passed over.
 */
export function signingKeysOf(idp: IdentityProvider): readonly SigningKey[] {
  const before = known.get(idp);
  if (before !== undefined) return before;
  const keys = idp.certificates.map(readKey).filter(({ key }) => isUsable(key));
  known.set(idp, keys);
  return keys;
}

/** Throws `saml.metadata_unusable_key` where not one of the certificates can be used. */
export function requireUsableKeys(certificates: readonly string[]): void {
  const keys = certificates.map(readKey);
  if (keys.some(({ key }) => isUsable(key))) return;
  const received = keys.map(({ key }) => describe(key)).join(', ');
  throw metadataError('saml.metadata_unusable_key', `RSA, ${MIN_RSA_BITS} bits or more`, received);
}

function readKey(certificate: string): SigningKey {
  return { certificate, key: new X509Certificate(certificate).publicKey };
}

function isUsable(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'rsa' && bitsOf(key) >= MIN_RSA_BITS;
}

function bitsOf(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}

function describe(key: KeyObject): string {
  return `${key.asymmetricKeyType ?? 'unknown'}${bitsOf(key) > 0 ? ` of ${bitsOf(key)} bits` : ''}`;
}
