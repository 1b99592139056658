import type { KeyObject } from 'node:crypto';
import { type AllowedAlgorithms, allowAlgorithms, needSignedCiphertext } from './algorithms.ts';
import type { SamlConnection } from './saml-connection.ts';
import { type SigningKey, signingKeysOf } from './signing-keys.ts';

/** What the first verifier needs to know of a connection: plain data and keys. */
export interface VerificationTerms {
  /** What the identity provider has to sign. */
  readonly signed: SamlConnection['signed'];
  readonly signingKeys: readonly SigningKey[];
  readonly encryption: SamlConnection['encryption'];
  /** Our private keys; every one of them decrypts. */
  readonly decryptionKeys: readonly KeyObject[];
  readonly allowed: AllowedAlgorithms;
  /** Nothing is decrypted but what a signed response holds. */
  readonly needSignedCiphertext: boolean;
}

/** The terms of a connection as they are now: the keys of its identity provider may change. */
export function termsOf(connection: SamlConnection): VerificationTerms {
  return {
    signed: connection.signed,
    signingKeys: signingKeysOf(connection.idp),
    encryption: connection.encryption,
    decryptionKeys: connection.keys.decryption.map(({ privateKey }) => privateKey),
    allowed: allowAlgorithms(connection.weakAlgorithms),
    needSignedCiphertext: needSignedCiphertext(connection.weakAlgorithms),
  };
}
