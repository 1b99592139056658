import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { SignedNameId } from '../access/change.ts';
import type { ConnectionId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from './database.ts';
import { toTimestamp } from './timestamp.ts';

/** A logout as its identity provider asked for it. */
export interface Logout {
  readonly connectionId: ConnectionId;
  readonly requestId: string;
  readonly nameId: SignedNameId;
  /** Empty: every session of the NameID. */
  readonly sessionIndexes: readonly string[];
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
}

/** SAML Core §8.3.1: what a NameID without a format has. */
const UNSPECIFIED = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';

/**
 * Lets one transaction at a time make or end sessions of a NameID, until it commits.
 * A sign-in and a logout of the same person that come at once would each not see what
 * the other is about to write, and a session would be left.
 */
export async function lockNameId(
  tx: Tx,
  connectionId: ConnectionId,
  { value }: SignedNameId,
): Promise<void> {
  // Connection ids have no blank.
  const name = `${connectionId} ${value}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 8))`.execute(tx);
}

/**
 * Keeps a logout, for assertions that it has overtaken. False where it was kept before:
 * the request has been used (SAML Core §3.7.1 gives each an ID of its own).
 */
export async function rememberLogout(tx: Tx, logout: Logout): Promise<boolean> {
  const { nameId, sessionIndexes } = logout;
  const kept = await tx
    .insertInto('logouts')
    .values({
      connection_id: logout.connectionId,
      request_id: logout.requestId,
      name_id: nameId.value,
      name_id_format: nameId.format,
      name_qualifier: nameId.nameQualifier,
      sp_name_qualifier: nameId.spNameQualifier,
      session_indexes: sessionIndexes.length === 0 ? null : [...sessionIndexes],
      issued_at: toTimestamp(logout.issuedAt),
      expires_at: toTimestamp(logout.expiresAt),
    })
    .onConflict((conflict) => conflict.columns(['connection_id', 'request_id']).doNothing())
    .returning('request_id')
    .executeTakeFirst();
  return kept !== undefined;
}

/**
 * Whether the columns of a row may name the same person (SAML Core §3.3.4): the value as
 * signed. A format or qualifier that one of the two leaves out, or calls unspecified
 * (§8.3.1), is known from the context (§2.2.2) and differs from nothing: in doubt a
 * session ends, on the signed word of its own identity provider.
 */
export function isSameNameId(
  table: 'sessions' | 'logouts',
  nameId: SignedNameId,
): RawBuilder<SqlBool> {
  const column = (name: string): RawBuilder<string> => sql.ref(`${table}.${name}`);
  return sql<SqlBool>`(
    ${column('name_id')} = ${nameId.value}
    and coalesce(nullif(${column('name_id_format')}, ${UNSPECIFIED}) = ${formatOf(nameId)}, true)
    and coalesce(${column('name_qualifier')} = ${nameId.nameQualifier}, true)
    and coalesce(${column('sp_name_qualifier')} = ${nameId.spNameQualifier}, true))`;
}

function formatOf({ format }: SignedNameId): string | null {
  return format === UNSPECIFIED ? null : format;
}
