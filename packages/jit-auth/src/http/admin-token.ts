import { createHash, timingSafeEqual } from 'node:crypto';

/** A bearer token of the admin API, as it is remembered: never the token itself. */
export interface AdminToken {
  readonly hash: Buffer;
  /** What the audit trail calls it: eight digits of the hash, from which no token follows. */
  readonly name: string;
}

/** RFC 6750 §2.1: `b64token`. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** What is remembered of each token of the configuration. */
export function rememberTokens(tokens: readonly string[]): readonly AdminToken[] {
  return tokens.map((token) => {
    const hash = hashOf(token);
    return { hash, name: `admin token ${hash.toString('hex').slice(0, 8)}` };
  });
}

/**
 * The token that an Authorization header carries, or null. Hashes are compared, all of
 * them and in constant time, so that the time of an answer tells nothing of a token.
 */
export function tokenIn(
  header: string | undefined,
  tokens: readonly AdminToken[],
): AdminToken | null {
  const given = hashOf(BEARER.exec(header ?? '')?.[1] ?? '');
  let found: AdminToken | null = null;
  for (const token of tokens) if (timingSafeEqual(token.hash, given)) found = token;
  return found;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}
