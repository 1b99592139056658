import { timingSafeEqual } from 'node:crypto';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { findScimToken, recordUse, type ScimToken } from '@rollcall/shared/db/scim-tokens';
import { isFrom } from '@rollcall/shared/http/network';
import { type CertificateFault, faultOfCertificate } from '../certificate/certificate-binding.ts';
import type { ClientCertificate } from '../certificate/client-certificate.ts';
import { hashSecret, secretIn } from './secret.ts';

/** Who asks, or why that is nobody: for the log, never for whoever asks. */
export type Authentication =
  | { readonly kind: 'accepted'; readonly token: ScimToken }
  | {
      readonly kind: 'refused';
      readonly why:
        | 'missing'
        | 'unknown'
        | 'revoked'
        | 'expired'
        | 'other_network'
        | CertificateFault;
      readonly token: ScimToken | null;
    };

/** What came with a request. */
export interface Credentials {
  /** The Authorization header. */
  readonly header: string | undefined;
  readonly address: string | undefined;
  /** Null: none, or by nobody's word that counts. */
  readonly certificate: ClientCertificate | null;
}

/**
 * Finds the token whose secret came. The database is asked for the hash of it, so that how
 * long an answer takes tells of the hash and nothing of the secret. A token that is
 * revoked is refused from the next request on: nothing is remembered in between.
 */
export async function authenticate(
  db: Database,
  { header, address, certificate }: Credentials,
  now: EpochMs,
): Promise<Authentication> {
  const secret = secretIn(header);
  if (secret === null) return { kind: 'refused', why: 'missing', token: null };
  const hash = hashSecret(secret);
  const token = await findScimToken(db, hash);
  if (token === null || !isSameHash(token.secretHash, hash)) {
    return { kind: 'refused', why: 'unknown', token: null };
  }
  if (token.revokedAt !== null) return { kind: 'refused', why: 'revoked', token };
  if (token.expiresAt !== null && token.expiresAt <= now) {
    return { kind: 'refused', why: 'expired', token };
  }
  if (!isFrom(address, token.networks)) return { kind: 'refused', why: 'other_network', token };
  const fault = faultOfCertificate(token, certificate, now);
  if (fault !== null) return { kind: 'refused', why: fault, token };
  await recordUse(db, token, address ?? null, now);
  return { kind: 'accepted', token };
}

/** Whatever rules of its own a database compares by. */
function isSameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
