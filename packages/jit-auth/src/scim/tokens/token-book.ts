import { randomUUID } from 'node:crypto';
import { type AuditEntry, recordAudit } from '@rollcall/shared/access/record';
import type { Actor } from '@rollcall/shared/core/actor';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId, ScimTokenId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import {
  insertScimToken,
  lockScimTokens,
  revokeScimToken,
  rotateOut,
  type ScimToken,
} from '@rollcall/shared/db/scim-tokens';
import { hashSecret, newSecret } from './secret.ts';

/** What a token is made with. */
export interface TokenRequest {
  readonly connectionId: ConnectionId;
  readonly name: string;
  /** Null: until it is revoked. */
  readonly expiresAt: EpochMs | null;
  /** In CIDR notation; empty: from everywhere. */
  readonly networks: readonly string[];
  /** See {@link ScimToken}; left out: any certificate, or none. */
  readonly certificateSha256?: string | null;
  readonly certificateSubject?: string | null;
}

/** A token that was just made. The secret is nowhere else, and never shown again. */
export interface NewToken {
  readonly token: Pick<
    ScimToken,
    | 'id'
    | 'connectionId'
    | 'name'
    | 'createdAt'
    | 'expiresAt'
    | 'networks'
    | 'certificateSha256'
    | 'certificateSubject'
  >;
  readonly secret: string;
}

/** Whether a token is good for anything. */
export function isLive({ revokedAt, expiresAt }: ScimToken, now: EpochMs): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

/** Makes a token. Throws `scim.token_name_taken` where one of the name is good. */
export async function createToken(
  tx: Tx,
  request: TokenRequest,
  by: string,
  now: EpochMs,
): Promise<NewToken> {
  const held = await lockScimTokens(tx, request.connectionId, request.name);
  if (held.some((token) => isLive(token, now))) {
    throw new AppError(
      'scim.token_name_taken',
      `There is a token ${request.name} of ${request.connectionId}: rotate it, or choose another name.`,
      { detail: { connection: request.connectionId, name: request.name } },
    );
  }
  const made = await insertNew(tx, request, by, now);
  await tell(tx, 'scim_token.created', made.token, by, now);
  return made;
}

/**
 * Makes a successor of a token, of the same name, for the same networks and certificate. The token
 * itself is good for `overlapMs` more, so that the client can be given the new one in
 * between; 0 ends it at once. Throws `scim.token_unknown`.
 */
export async function rotateToken(
  tx: Tx,
  { connectionId, name }: Pick<TokenRequest, 'connectionId' | 'name'>,
  { overlapMs, expiresAt }: { readonly overlapMs: number; readonly expiresAt: EpochMs | null },
  by: string,
  now: EpochMs,
): Promise<NewToken> {
  const held = await requireLive(tx, connectionId, name, now);
  const end = after(now, overlapMs);
  for (const token of held) {
    // One that was rotated before, or ends sooner by itself, gets no longer by this.
    const expires = token.expiresAt !== null && token.expiresAt < end ? token.expiresAt : end;
    await rotateOut(tx, token.id, expires, now);
  }
  const { networks = [], certificateSha256 = null, certificateSubject = null } = held[0] ?? {};
  const alike = { networks, certificateSha256, certificateSubject };
  const made = await insertNew(tx, { connectionId, name, expiresAt, ...alike }, by, now);
  await tell(tx, 'scim_token.rotated', made.token, by, now);
  return made;
}

/** Revokes every token of a name; answers with how many there were. Throws `scim.token_unknown`. */
export async function revokeTokens(
  tx: Tx,
  { connectionId, name }: Pick<TokenRequest, 'connectionId' | 'name'>,
  by: string,
  now: EpochMs,
): Promise<number> {
  const held = await requireLive(tx, connectionId, name, now);
  for (const token of held) {
    await revokeScimToken(tx, token.id, by, now);
    await tell(tx, 'scim_token.revoked', token, by, now);
  }
  return held.length;
}

async function requireLive(
  tx: Tx,
  connectionId: ConnectionId,
  name: string,
  now: EpochMs,
): Promise<readonly ScimToken[]> {
  const held = (await lockScimTokens(tx, connectionId, name)).filter((one) => isLive(one, now));
  if (held.length > 0) return held;
  throw new AppError(
    'scim.token_unknown',
    `No token ${name.slice(0, 80)} of ${connectionId} is good: \`rollcall scim token list\` shows them.`,
    { detail: { connection: connectionId, name: name.slice(0, 80) } },
  );
}

async function insertNew(
  tx: Tx,
  request: TokenRequest,
  by: string,
  now: EpochMs,
): Promise<NewToken> {
  const secret = newSecret();
  const { certificateSha256 = null, certificateSubject = null } = request;
  const bound = { certificateSha256, certificateSubject };
  const token = { id: randomUUID() as ScimTokenId, ...request, ...bound, createdAt: now };
  await insertScimToken(tx, { ...token, createdBy: by, secretHash: hashSecret(secret) });
  return { token, secret };
}

async function tell(
  tx: Tx,
  kind: Extract<AuditEntry['kind'], `scim_token.${string}`>,
  token: NewToken['token'],
  by: string,
  now: EpochMs,
): Promise<void> {
  const actor: Actor = { kind: 'operator', name: by };
  const { id, name, connectionId, expiresAt, networks } = token;
  const { certificateSha256, certificateSubject } = token;
  const bound = {
    ...(certificateSha256 === null ? {} : { certificateSha256 }),
    ...(certificateSubject === null ? {} : { certificateSubject }),
  };
  const evidence = { token: id, name, expiresAt, networks, ...bound };
  await recordAudit(tx, { kind, userId: null, connectionId, evidence }, actor, now);
}
