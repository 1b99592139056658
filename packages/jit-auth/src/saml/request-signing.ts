import { AppError, codeOf } from '@rollcall/shared/core/errors';
import type { OwnKey } from './own-keys.ts';
import type { SamlConnection } from './saml-connection.ts';

type Signer = Pick<SamlConnection, 'idp' | 'keys' | 'signRequests'>;

/**
 * The key that signs the requests of a connection as its identity provider is now;
 * null where they go out unsigned. Throws `saml.signing_key_missing` where they must
 * not.
 */
export function requestSigningKey({ idp, keys, signRequests }: Signer): OwnKey | null {
  const [key = null] = keys.signing;
  if (signRequests === 'never') return null;
  if (signRequests === 'auto') return idp.wantAuthnRequestsSigned ? key : null;
  if (key !== null) return key;
  throw new AppError('saml.signing_key_missing', 'The sign-in could not be started.', {
    detail: { expected: 'a key under signing', received: 'none' },
  });
}

/** Whether the identity provider will refuse our requests for want of a signature. */
export function lacksSignature(connection: Signer): boolean {
  if (!isKnown(connection) || !connection.idp.wantAuthnRequestsSigned) return false;
  return connection.keys.signing.length === 0 || connection.signRequests === 'never';
}

/** A connection opens also while nothing is known of its identity provider; that is said elsewhere. */
function isKnown(connection: Signer): boolean {
  try {
    return connection.idp !== null;
  } catch (error) {
    if (codeOf(error) === 'connection.unavailable') return false;
    throw error;
  }
}
