import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  type Environment,
  formatReference,
  resolveSecret,
  type SecretReference,
} from '@rollcall/shared/config/secrets';
import { AppError } from '@rollcall/shared/core/errors';

/** One of our own key pairs. */
export interface OwnKey {
  /** Never logged, never written down. */
  readonly privateKey: KeyObject;
  /** The same as PEM, for the libraries that take nothing else. */
  readonly privateKeyPem: string;
  readonly certificate: X509Certificate;
}

/** Our own key pairs for one connection. Either list may be empty. */
export interface OwnKeys {
  /** The first signs; all are announced. */
  readonly signing: readonly OwnKey[];
  /** Every one decrypts; all are announced. */
  readonly decryption: readonly OwnKey[];
}

/** No keys: requests go out unsigned, and nothing encrypted can be read. */
export const NO_KEYS: OwnKeys = { signing: [], decryption: [] };

/** NIST SP 800-131A: shorter RSA keys no longer count as safe. */
const MIN_RSA_BITS = 2048;

/**
 * Reads our own key pairs. Throws `saml.own_key_unusable`, which names the
 * reference and never the key, and what `resolveSecret` throws.
 */
export async function loadOwnKeys(
  references: Readonly<Record<'signing' | 'decryption', readonly SecretReference[]>>,
  env: Environment,
): Promise<OwnKeys> {
  const load = (list: readonly SecretReference[]): Promise<OwnKey[]> =>
    Promise.all(list.map((reference) => loadOwnKey(reference, env)));
  const [signing, decryption] = await Promise.all([
    load(references.signing),
    load(references.decryption),
  ]);
  return { signing, decryption };
}

async function loadOwnKey(reference: SecretReference, env: Environment): Promise<OwnKey> {
  const pem = await resolveSecret(reference, env);
  const certificates =
    pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const keys = pem.match(/-----BEGIN (?:RSA )?PRIVATE KEY-----[^-]+-----END [^-]+-----/g) ?? [];
  const [encoded, [certificatePem]] = [keys[0], certificates];
  if (encoded === undefined || keys.length > 1) {
    throw unusable(reference, 'one PRIVATE KEY in PEM, without a passphrase', `${keys.length}`);
  }
  if (certificatePem === undefined || certificates.length > 1) {
    throw unusable(reference, 'one CERTIFICATE in PEM beside the key', `${certificates.length}`);
  }
  const privateKey = parse(reference, 'a private key', () => createPrivateKey(encoded));
  const certificate = parse(reference, 'a certificate', () => new X509Certificate(certificatePem));
  requireStrong(reference, privateKey);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unusable(reference, 'a certificate of this very key', 'one of another key');
  }
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { privateKey, privateKeyPem, certificate };
}

function requireStrong(reference: SecretReference, key: KeyObject): void {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType === 'rsa' && bits >= MIN_RSA_BITS) return;
  const received = `${key.asymmetricKeyType ?? 'unknown'}${bits > 0 ? ` of ${bits} bits` : ''}`;
  throw unusable(reference, `RSA, ${MIN_RSA_BITS} bits or more`, received);
}

function parse<T>(reference: SecretReference, expected: string, read: () => T): T {
  try {
    return read();
  } catch {
    // The parser's own words may hold a part of the text, so they are not kept.
    throw unusable(reference, expected, 'text that is none');
  }
}

function unusable(reference: SecretReference, expected: string, received: string): AppError {
  const shown = formatReference(reference);
  return new AppError(
    'saml.own_key_unusable',
    `The key ${shown} cannot be used: expected ${expected}, received ${received}.`,
    { detail: { reference: shown, expected, received } },
  );
}
