import { createHash, randomBytes } from 'node:crypto';

/** How every secret begins, so that one that lies about is known for what it is. */
const PREFIX = 'rollcall_scim_';
/** RFC 6750 §2.1: `b64token`. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const LONGEST = 200;

/** A new secret: 256 random bits. */
export function newSecret(): string {
  return `${PREFIX}${randomBytes(32).toString('base64url')}`;
}

/** What is kept of a secret. With so many random bits a plain hash is not to be guessed. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** The secret that an Authorization header carries, or null. */
export function secretIn(header: string | undefined): string | null {
  const secret = BEARER.exec(header ?? '')?.[1] ?? null;
  return secret !== null && secret.length <= LONGEST ? secret : null;
}
