import { createPrivateKey } from 'node:crypto';
import { generate } from 'selfsigned';

const VALIDITY_YEARS = 5;

/** A private key and the certificate of its public half, both PEM. */
export interface SigningKey {
  readonly key: string;
  readonly certificate: string;
}

/**
 * Makes an RSA-2048 key and a certificate for it, self-signed with SHA-256 and
 * valid for five years from `now`. Nobody checks a chain: service providers pin
 * the certificate itself (SAML Metadata §2.4.1.1).
 */
export async function createSigningKey(now: number, name = 'Demo IdP'): Promise<SigningKey> {
  const notBefore = new Date(now);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + VALIDITY_YEARS);
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
    ],
  });
  const key = createPrivateKey(made.private).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, certificate: made.cert };
}
