import { BlockList, isIP } from 'node:net';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { findScimToken, recordUse, type ScimToken } from '@rollcall/shared/db/scim-tokens';
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

/** Whether an address is in one of the networks; in any, where there are none. */
export function isFrom(address: string | undefined, networks: readonly string[]): boolean {
  if (networks.length === 0) return true;
  const plain = (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  return list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether a text is a network in CIDR notation, or a single address. */
export function isNetwork(text: string): boolean {
  const [base = '', length, ...more] = text.split('/');
  const family = isIP(base);
  if (family === 0 || more.length > 0) return false;
  if (length === undefined) return true;
  return /^\d{1,3}$/.test(length) && Number(length) <= (family === 6 ? 128 : 32);
}

function addNetwork(list: BlockList, network: string): void {
  if (!isNetwork(network)) return;
  const [base = '', length] = network.split('/');
  const family = isIP(base) === 6 ? 'ipv6' : 'ipv4';
  if (length === undefined) list.addAddress(base, family);
  else list.addSubnet(base, Number(length), family);
}
