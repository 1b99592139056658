import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { findScimToken, recordUse, type ScimToken } from '@rollcall/shared/db/scim-tokens';
import { isFrom } from './network.ts';
import { hashSecret, secretIn } from './secret.ts';

/** Who asks, or why that is nobody: for the log, never for whoever asks. */
export type Authentication =
  | { readonly kind: 'accepted'; readonly token: ScimToken }
  | {
      readonly kind: 'refused';
      readonly why: 'missing' | 'unknown' | 'revoked' | 'expired' | 'other_network';
      readonly token: ScimToken | null;
    };

/**
 * Finds the token whose secret came. The database is asked for the hash of it, so that how
 * long an answer takes tells of the hash and nothing of the secret. A token that is
 * revoked is refused from the next request on: nothing is remembered in between.
 */
export async function authenticate(
  db: Database,
  header: string | undefined,
  address: string | undefined,
  now: EpochMs,
): Promise<Authentication> {
  const secret = secretIn(header);
  if (secret === null) return { kind: 'refused', why: 'missing', token: null };
  const token = await findScimToken(db, hashSecret(secret));
  if (token === null) return { kind: 'refused', why: 'unknown', token };
  if (token.revokedAt !== null) return { kind: 'refused', why: 'revoked', token };
  if (token.expiresAt !== null && token.expiresAt <= now) {
    return { kind: 'refused', why: 'expired', token };
  }
  if (!isFrom(address, token.networks)) return { kind: 'refused', why: 'other_network', token };
  await recordUse(db, token, address ?? null, now);
  return { kind: 'accepted', token };
}
