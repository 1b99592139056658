import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { ProvenRequest } from './credentials.ts';

interface ProofKey {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/**
 * Proofs that whoever sends a token is who obtained it (RFC 9449): a stolen token is of
 * no use to others. The key is made anew for each process and never leaves it.
 */
export class DpopProver {
  #key: Promise<ProofKey> | null = null;
  readonly #nonces = new Map<string, string>();

  /**
   * The header of one request, with an id of its own.
   *
   * @param accessToken that the request carries; null for a request for a token.
   */
  async prove(
    { method, url }: ProvenRequest,
    accessToken: string | null,
  ): Promise<Readonly<Record<string, string>>> {
    this.#key ??= makeKey();
    const { privateKey, publicJwk } = await this.#key;
    const nonce = this.#nonces.get(url.origin);
    const ath =
      accessToken === null
        ? undefined
        : createHash('sha256').update(accessToken).digest('base64url');
    const proof = await new SignJWT({
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      ...(ath === undefined ? {} : { ath }),
      ...(nonce === undefined ? {} : { nonce }),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk })
      .setJti(randomUUID())
      .setIssuedAt()
      .sign(privateKey);
    return { dpop: proof };
  }

  /** Remembers the nonce that a server wants to see next (RFC 9449 §8.2). */
  heed(origin: string, headers: Headers): void {
    const nonce = headers.get('dpop-nonce');
    if (nonce !== null && /^[\x21-\x7e]{1,512}$/.test(nonce)) this.#nonces.set(origin, nonce);
  }
}

async function makeKey(): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const { kty, crv, x, y } = await exportJWK(publicKey);
  return { privateKey, publicJwk: { kty, crv, x, y } as JWK };
}
