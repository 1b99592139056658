import { SamlRefusal } from './refusal.ts';

/**
 * An algorithm that is no longer safe, and that a connection may ask for by name
 * where its identity provider can do nothing better.
 */
export type WeakAlgorithm = 'sha1_signature' | 'sha1_digest' | 'rsa1_5' | 'aes_cbc';

/** What a connection accepts, each list by the identifiers that stand in `Algorithm`. */
export interface AllowedAlgorithms {
  readonly signature: readonly string[];
  readonly digest: readonly string[];
  readonly canonicalization: readonly string[];
  readonly transform: readonly string[];
  readonly keyTransport: readonly string[];
  readonly contentEncryption: readonly string[];
}

/** Exclusive canonical XML without comments: the only one (SAML Core §5.4.3). */
export const EXC_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
/** The transform that leaves the signature itself out (XML Signature §6.6.4). */
export const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
/** SHA-1 inside RSA-OAEP, where nothing is known against it (RFC 8017 §B.1). */
export const SHA1 = 'http://www.w3.org/2000/09/xmldsig#sha1';
/** RSA-OAEP with SHA-1 and MGF1 with SHA-1 (XML Encryption 1.1 §5.5.2). */
export const RSA_OAEP = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
/** RSA-OAEP with a digest and a mask that are named beside it (XML Encryption 1.1 §5.5.2). */
export const RSA_OAEP_11 = 'http://www.w3.org/2009/xmlenc11#rsa-oaep';
/** MGF1 with SHA-1: the mask where none is named (XML Encryption 1.1 §5.5.2). */
export const MGF1_SHA1 = 'http://www.w3.org/2009/xmlenc11#mgf1sha1';

/** A hash of RSA-OAEP by its name at node:crypto. */
export type OaepHash = 'sha1' | 'sha256';

/**
 * What stands beside {@link RSA_OAEP_11}: one hash in both places. OpenSSL undoes the
 * padding in constant time; for two hashes, node:crypto would leave it to code of ours.
 */
export const OAEP_HASHES: readonly {
  readonly hash: OaepHash;
  readonly digest: string;
  readonly mask: string;
}[] = [
  { hash: 'sha1', digest: SHA1, mask: MGF1_SHA1 },
  {
    hash: 'sha256',
    digest: 'http://www.w3.org/2001/04/xmlenc#sha256',
    mask: 'http://www.w3.org/2009/xmlenc11#mgf1sha256',
  },
];

/**
 * What both verifiers can do and nobody advises against: no SHA-1, HMAC, XSLT and
 * XPath in signatures, no RSA 1.5 and no CBC in encryption (XML Encryption 1.1 §6.1.2).
 */
export const STRONG: AllowedAlgorithms = {
  signature: [
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  ],
  digest: ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'],
  canonicalization: [EXC_C14N],
  transform: [ENVELOPED, EXC_C14N],
  keyTransport: [RSA_OAEP, RSA_OAEP_11],
  contentEncryption: [
    'http://www.w3.org/2009/xmlenc11#aes128-gcm',
    'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  ],
};

const WEAK: Readonly<Record<WeakAlgorithm, Partial<AllowedAlgorithms>>> = {
  sha1_signature: { signature: ['http://www.w3.org/2000/09/xmldsig#rsa-sha1'] },
  sha1_digest: { digest: [SHA1] },
  rsa1_5: { keyTransport: ['http://www.w3.org/2001/04/xmlenc#rsa-1_5'] },
  aes_cbc: {
    contentEncryption: [
      'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
      'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
    ],
  },
};

/** The strong algorithms and those that were asked for by name. */
export function allowAlgorithms(weak: readonly WeakAlgorithm[]): AllowedAlgorithms {
  const all = (kind: keyof AllowedAlgorithms) => [
    ...STRONG[kind],
    ...weak.flatMap((name) => WEAK[name][kind] ?? []),
  ];
  return {
    signature: all('signature'),
    digest: all('digest'),
    canonicalization: all('canonicalization'),
    transform: all('transform'),
    keyTransport: all('keyTransport'),
    contentEncryption: all('contentEncryption'),
  };
}

/**
 * Whether a ciphertext that somebody has changed would tell them something of the
 * plain text: then none is decrypted that the identity provider has not signed.
 */
export function needSignedCiphertext(weak: readonly WeakAlgorithm[]): boolean {
  return weak.includes('rsa1_5') || weak.includes('aes_cbc');
}

/** Takes an algorithm that is allowed. Throws `saml.algorithm_not_allowed`. */
export function requireAllowed(received: string, allowed: readonly string[]): string {
  if (allowed.includes(received)) return received;
  throw new SamlRefusal('saml.algorithm_not_allowed', { expected: allowed, received });
}
