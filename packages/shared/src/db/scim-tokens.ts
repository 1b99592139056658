import type { Selectable } from 'kysely';
import type { ConnectionId, ScimTokenId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import { lockName } from './named-lock.ts';
import type { ScimTokensTable } from './tables.ts';
import { fromNullableTimestamp, fromTimestamp, toTimestamp } from './timestamp.ts';

/** A token of a SCIM client; its secret is nowhere. */
export interface ScimToken {
  readonly id: ScimTokenId;
  readonly connectionId: ConnectionId;
  readonly name: string;
  readonly secretHash: string;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
  /** Null: until it is revoked. */
  readonly expiresAt: EpochMs | null;
  /** When a successor was made; null where none was. */
  readonly rotatedAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
  readonly revokedBy: string | null;
  /** To the minute. */
  readonly lastUsedAt: EpochMs | null;
  readonly lastUsedFrom: string | null;
  /** In CIDR notation; empty: from everywhere. */
  readonly networks: readonly string[];
  /** SHA-256 of the certificate that it may be used with, in lower-case hexadecimal; null: any. */
  readonly certificateSha256: string | null;
  /** The subject of that certificate, as RFC 4514 writes it; null: any. */
  readonly certificateSubject: string | null;
}

/** How long a use may go unrecorded, in milliseconds: not every request writes. */
const USE_RECORDED_EVERY = 60_000;

/** Keeps a new token. */
export async function insertScimToken(
  tx: Tx,
  token: Pick<
    ScimToken,
    | 'id'
    | 'connectionId'
    | 'name'
    | 'secretHash'
    | 'createdAt'
    | 'createdBy'
    | 'expiresAt'
    | 'networks'
  > &
    Partial<Pick<ScimToken, 'certificateSha256' | 'certificateSubject'>>,
): Promise<void> {
  await tx
    .insertInto('scim_tokens')
    .values({
      id: token.id,
      connection_id: token.connectionId,
      name: token.name,
      secret_hash: token.secretHash,
      created_at: toTimestamp(token.createdAt),
      created_by: token.createdBy,
      expires_at: token.expiresAt === null ? null : toTimestamp(token.expiresAt),
      networks: [...token.networks],
      certificate_sha256: token.certificateSha256 ?? null,
      certificate_subject: token.certificateSubject ?? null,
    })
    .execute();
}

/** The token whose secret has this hash, whatever its standing; null where there is none. */
export async function findScimToken(db: Database, secretHash: string): Promise<ScimToken | null> {
  const row = await db
    .selectFrom('scim_tokens')
    .selectAll()
    .where('secret_hash', '=', secretHash)
    .executeTakeFirst();
  return row === undefined ? null : toToken(row);
}

/** Every token, of a connection or of all; the newest of a name first. */
export async function listScimTokens(
  db: Database | Tx,
  connectionId: ConnectionId | null,
): Promise<readonly ScimToken[]> {
  let query = db
    .selectFrom('scim_tokens')
    .selectAll()
    .orderBy('connection_id')
    .orderBy('name')
    .orderBy('created_at', 'desc')
    .orderBy('id');
  if (connectionId !== null) query = query.where('connection_id', '=', connectionId);
  return (await query.execute()).map(toToken);
}

/**
 * The tokens of one name, locked until the transaction ends, and nobody makes another one
 * meanwhile: a rotation that has just begun would else leave a successor behind for which a
 * revocation looked too early.
 */
export async function lockScimTokens(
  tx: Tx,
  connectionId: ConnectionId,
  name: string,
): Promise<readonly ScimToken[]> {
  await lockName(tx, `scim token:${connectionId}:${name}`);
  const rows = await tx
    .selectFrom('scim_tokens')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('name', '=', name)
    .orderBy('created_at', 'desc')
    .forUpdate()
    .execute();
  return rows.map(toToken);
}

/** Lets a token that has a successor end at a time. */
export async function rotateOut(
  tx: Tx,
  id: ScimTokenId,
  expiresAt: EpochMs,
  now: EpochMs,
): Promise<void> {
  await tx
    .updateTable('scim_tokens')
    .set({ expires_at: toTimestamp(expiresAt), rotated_at: toTimestamp(now) })
    .where('id', '=', id)
    .execute();
}

/** Revokes a token. */
export async function revokeScimToken(
  tx: Tx,
  id: ScimTokenId,
  by: string,
  now: EpochMs,
): Promise<void> {
  await tx
    .updateTable('scim_tokens')
    .set({ revoked_at: toTimestamp(now), revoked_by: by })
    .where('id', '=', id)
    .execute();
}

/** Writes down that a token was used, at most once a minute. */
export async function recordUse(
  db: Database,
  token: ScimToken,
  address: string | null,
  now: EpochMs,
): Promise<void> {
  if (token.lastUsedAt !== null && now - token.lastUsedAt < USE_RECORDED_EVERY) return;
  await db
    .updateTable('scim_tokens')
    .set({ last_used_at: toTimestamp(now), last_used_from: address })
    .where('id', '=', token.id)
    .execute();
}

function toToken(row: Selectable<ScimTokensTable>): ScimToken {
  return {
    id: row.id,
    connectionId: row.connection_id,
    name: row.name,
    secretHash: row.secret_hash,
    createdAt: fromTimestamp(row.created_at),
    createdBy: row.created_by,
    expiresAt: fromNullableTimestamp(row.expires_at),
    rotatedAt: fromNullableTimestamp(row.rotated_at),
    revokedAt: fromNullableTimestamp(row.revoked_at),
    revokedBy: row.revoked_by,
    lastUsedAt: fromNullableTimestamp(row.last_used_at),
    lastUsedFrom: row.last_used_from,
    networks: row.networks,
    certificateSha256: row.certificate_sha256,
    certificateSubject: row.certificate_subject,
  };
}
