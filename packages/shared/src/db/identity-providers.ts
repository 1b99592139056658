import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import { after, type EpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import type { CertificateStanding } from './tables.ts';
import { fromNullableTimestamp, fromTimestamp, toTimestamp } from './timestamp.ts';

/** How long the copy of an address that is no longer configured is kept. */
const FORGET_MS = 30 * 86_400_000;

/** A certificate that metadata has named, and what became of it. */
export interface KnownCertificate {
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
  readonly pem: string;
  readonly standing: CertificateStanding;
  readonly firstSeenAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  /** Since when the metadata no longer names it; null unless `withdrawn`. */
  readonly withdrawnAt: EpochMs | null;
  /** Until when it is trusted all the same; null unless `withdrawn`. */
  readonly trustedUntil: EpochMs | null;
}

/** Which copy is meant: that of one connection from one address. */
export interface CopyKey {
  readonly connectionId: ConnectionId;
  /** SHA-256 of the address, hexadecimal. */
  readonly source: string;
}

/** The text of metadata as it was fetched. */
export interface FetchedCopy {
  readonly xml: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly validUntil: EpochMs | null;
}

/** What is known of the metadata at one address. */
export interface StoredCopy extends CopyKey {
  /** The address without its query. */
  readonly address: string;
  /** Rises with every change of the text or the certificates. */
  readonly version: number;
  /** Null where it was never fetched. */
  readonly fetched: (FetchedCopy & { readonly fetchedAt: EpochMs }) | null;
  readonly dueAt: EpochMs;
  /** Failures since the last success. */
  readonly failures: number;
  readonly lastFailure: {
    readonly at: EpochMs;
    readonly code: string;
    readonly sentence: string;
  } | null;
  readonly certificates: readonly KnownCertificate[];
}

/** What tells whether a copy has changed or is to be fetched. */
export interface CopyHead extends CopyKey {
  readonly version: number;
  readonly dueAt: EpochMs;
}

/** Makes an address known, so that it can be claimed; it is due at once. */
export async function knowCopy(
  db: Database,
  { connectionId, source }: CopyKey,
  address: string,
  now: EpochMs,
): Promise<void> {
  await db
    .insertInto('identity_providers')
    .values({ connection_id: connectionId, source, address, due_at: toTimestamp(now) })
    .onConflict((conflict) => conflict.columns(['connection_id', 'source']).doNothing())
    .execute();
}

/** Every copy's head, in one query: what an instance asks again and again. */
export async function copyHeads(db: Database): Promise<readonly CopyHead[]> {
  const rows = await db
    .selectFrom('identity_providers')
    .select(['connection_id', 'source', 'version', 'due_at'])
    .execute();
  return rows.map((row) => ({
    connectionId: row.connection_id,
    source: row.source,
    version: row.version,
    dueAt: fromTimestamp(row.due_at),
  }));
}

/** Null where the address is not known. In a transaction the row is locked. */
export async function readCopy(
  db: Database | Tx,
  { connectionId, source }: CopyKey,
): Promise<StoredCopy | null> {
  const query = db
    .selectFrom('identity_providers')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('source', '=', source);
  const row = await (db.isTransaction ? query.forUpdate() : query).executeTakeFirst();
  if (row === undefined) return null;
  const { xml, fetched_at: fetchedAt, failed_at: failedAt } = row;
  return {
    connectionId,
    source,
    address: row.address,
    version: row.version,
    fetched:
      xml === null || fetchedAt === null
        ? null
        : {
            xml,
            etag: row.etag,
            lastModified: row.last_modified,
            validUntil: fromNullableTimestamp(row.valid_until),
            fetchedAt: fromTimestamp(fetchedAt),
          },
    dueAt: fromTimestamp(row.due_at),
    failures: row.failures,
    lastFailure:
      failedAt === null
        ? null
        : {
            at: fromTimestamp(failedAt),
            code: row.failure_code ?? 'internal',
            sentence: row.failure ?? '',
          },
    certificates: await readCertificates(db, { connectionId, source }),
  };
}

async function readCertificates(
  db: Database | Tx,
  { connectionId, source }: CopyKey,
): Promise<readonly KnownCertificate[]> {
  const rows = await db
    .selectFrom('identity_provider_certificates')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .orderBy('first_seen_at')
    .orderBy('fingerprint')
    .execute();
  return rows.map((row) => ({
    fingerprint: row.fingerprint,
    pem: row.pem,
    standing: row.standing,
    firstSeenAt: fromTimestamp(row.first_seen_at),
    lastSeenAt: fromTimestamp(row.last_seen_at),
    withdrawnAt: fromNullableTimestamp(row.withdrawn_at),
    trustedUntil: fromNullableTimestamp(row.trusted_until),
  }));
}

/**
 * Takes the right to fetch a copy that is due, for one instance at a time. Whoever has it
 * and dies loses it at `until`.
 *
 * @param early the version that the caller has read, to claim it although it is not due; not
 * once somebody else has stored another.
 */
export async function claimCopy(
  db: Database,
  { connectionId, source }: CopyKey,
  {
    now,
    until,
    early,
  }: { readonly now: EpochMs; readonly until: EpochMs; readonly early: number | null },
): Promise<boolean> {
  const at = toTimestamp(now);
  // Nobody claims for so long: a clock was ahead, and its claim would hold up all others.
  const farthest = after(until, until - now);
  const result = await db
    .updateTable('identity_providers')
    .set({ claimed_until: toTimestamp(until) })
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .where((is) =>
      is.or([
        is('claimed_until', 'is', null),
        is('claimed_until', '<=', at),
        is('claimed_until', '>', toTimestamp(farthest)),
      ]),
    )
    .where((is) => (early === null ? is('due_at', '<=', at) : is('version', '=', early)))
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Stores text that was fetched and believed, with what is known of certificates since. */
export async function storeCopy(
  tx: Tx,
  { connectionId, source }: CopyKey,
  {
    fetched,
    certificates,
    now,
    dueAt,
  }: {
    readonly fetched: FetchedCopy;
    readonly certificates: readonly KnownCertificate[];
    readonly now: EpochMs;
    readonly dueAt: EpochMs;
  },
): Promise<void> {
  await tx
    .updateTable('identity_providers')
    .set({
      version: sql`version + 1`,
      xml: fetched.xml,
      etag: fetched.etag,
      last_modified: fetched.lastModified,
      valid_until: fetched.validUntil === null ? null : toTimestamp(fetched.validUntil),
      ...succeeded(now, dueAt),
    })
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .execute();
  await replaceCertificates(tx, { connectionId, source }, certificates);
  // Of an address that the connection had before, and that nobody has asked for long.
  await tx
    .deleteFrom('identity_providers')
    .where('connection_id', '=', connectionId)
    .where('source', '!=', source)
    .where('due_at', '<', toTimestamp(after(now, -FORGET_MS)))
    .execute();
}

/** Notes that the stored text, and what it names, is still the latest. */
export async function confirmCopy(
  tx: Tx,
  { connectionId, source }: CopyKey,
  now: EpochMs,
  dueAt: EpochMs,
): Promise<void> {
  await tx
    .updateTable('identity_providers')
    .set(succeeded(now, dueAt))
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .execute();
  await tx
    .updateTable('identity_provider_certificates')
    .set({ last_seen_at: toTimestamp(now) })
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .where('standing', '=', 'announced')
    .execute();
}

/** Gives a claim back, for whoever comes next. */
export async function releaseCopy(db: Database, { connectionId, source }: CopyKey): Promise<void> {
  await db
    .updateTable('identity_providers')
    .set({ claimed_until: null })
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .execute();
}

function succeeded(now: EpochMs, dueAt: EpochMs) {
  return {
    fetched_at: toTimestamp(now),
    due_at: toTimestamp(dueAt),
    claimed_until: null,
    failures: 0,
    failed_at: null,
    failure_code: null,
    failure: null,
  };
}

/** Notes why it could not be fetched or believed; text and trust stay as they are. */
export async function noteCopyFailure(
  db: Database | Tx,
  { connectionId, source }: CopyKey,
  failure: { readonly at: EpochMs; readonly code: string; readonly sentence: string },
  dueAt: EpochMs,
): Promise<void> {
  await db
    .updateTable('identity_providers')
    .set({
      failures: sql`failures + 1`,
      failed_at: toTimestamp(failure.at),
      failure_code: failure.code,
      failure: failure.sentence,
      due_at: toTimestamp(dueAt),
      claimed_until: null,
    })
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .execute();
}

/** Writes the certificates of a copy anew. */
export async function replaceCertificates(
  tx: Tx,
  { connectionId, source }: CopyKey,
  certificates: readonly KnownCertificate[],
): Promise<void> {
  await tx
    .deleteFrom('identity_provider_certificates')
    .where('connection_id', '=', connectionId)
    .where('source', '=', source)
    .execute();
  if (certificates.length === 0) return;
  await tx
    .insertInto('identity_provider_certificates')
    .values(
      certificates.map((one) => ({
        connection_id: connectionId,
        source,
        fingerprint: one.fingerprint,
        pem: one.pem,
        standing: one.standing,
        first_seen_at: toTimestamp(one.firstSeenAt),
        last_seen_at: toTimestamp(one.lastSeenAt),
        withdrawn_at: one.withdrawnAt === null ? null : toTimestamp(one.withdrawnAt),
        trusted_until: one.trustedUntil === null ? null : toTimestamp(one.trustedUntil),
      })),
    )
    .execute();
}
