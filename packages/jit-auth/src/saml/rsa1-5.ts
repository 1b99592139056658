import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import { AppError } from '@rollcall/shared/core/errors';

/**
 * Throws `saml.rsa1_5_unsupported` where this Node does not decrypt RSA 1.5: older
 * ones have an OpenSSL that would tell a wrong padding from a right one, and refuse
 * to use it (CVE-2023-46809). Better said at the start than at each sign-in.
 */
export function requireRsa15(): void {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const padding = constants.RSA_PKCS1_PADDING;
  const text = Buffer.from('rollcall');
  const encrypted = publicEncrypt({ key: publicKey, padding }, text);
  try {
    if (privateDecrypt({ key: privateKey, padding }, encrypted).equals(text)) return;
  } catch (cause) {
    throw unsupported(cause);
  }
  throw unsupported();
}

function unsupported(cause?: unknown): AppError {
  const received = `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`;
  return new AppError(
    'saml.rsa1_5_unsupported',
    `rsa1_5 needs Node 24 or newer, this is ${received}: leave it out of weak_algorithms, or update Node.`,
    { detail: { expected: 'OpenSSL 3.2 or newer', received }, cause },
  );
}
