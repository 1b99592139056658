import { X509Certificate } from 'node:crypto';
import { AppError, codeOf, wordsOf } from '@rollcall/shared/core/errors';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction } from '@rollcall/shared/db/database';
import {
  type CopyKey,
  confirmCopy,
  type KnownCertificate,
  noteCopyFailure,
  readCopy,
  releaseCopy,
  replaceCertificates,
  type StoredCopy,
  storeCopy,
} from '@rollcall/shared/db/identity-providers';
import { readTrusted } from '../saml/load-identity-provider.ts';
import { parseMetadata } from '../saml/metadata.ts';
import { type Downloaded, downloadMetadata, type Patience } from '../saml/metadata-download.ts';
import { announceCertificates, refuseCertificates } from './certificate-history.ts';
import type { KeeperDeps } from './keeper.ts';
import { nextRefresh, nextRetry } from './refresh-schedule.ts';
import type { UrlSource } from './url-keeper.ts';

/** With what a copy is refreshed. */
export interface RefreshDeps extends KeeperDeps {
  readonly patience: Patience;
  /** Whether the stored copy is in use: only then does its `ETag` stand for it. */
  readonly usable: boolean;
}

/** Metadata that was believed by none: its text is kept for what it names. */
class Unbelieved extends Error {
  readonly xml: string;

  constructor(xml: string, cause: unknown) {
    super('metadata that is not believed', { cause });
    this.xml = xml;
  }
}

/**
 * Fetches the metadata at an address and stores it, if it is believed. What cannot be
 * fetched or believed leaves the copy as it is, and is noted beside it. The caller holds
 * the claim; it is given back. Throws only where the database does not answer.
 */
export async function refreshCopy(
  key: CopyKey,
  source: UrlSource,
  deps: RefreshDeps,
): Promise<void> {
  const copy = await readCopy(deps.db, key);
  const { url, allowPrivateAddress } = source;
  try {
    const validators = deps.usable ? copy?.fetched : null;
    const downloaded = await downloadMetadata({
      url,
      allowPrivateAddress,
      patience: deps.patience,
      signal: deps.closing,
      ...(validators ? { validators } : {}),
      ...(deps.resolve === undefined ? {} : { resolve: deps.resolve }),
    });
    await accept(key, source, copy, downloaded, deps);
  } catch (error) {
    if (deps.closing.aborted) await releaseCopy(deps.db, key);
    else await noteFailure(key, source, copy, error, deps);
  }
}

async function accept(
  key: CopyKey,
  source: UrlSource,
  copy: StoredCopy | null,
  downloaded: Downloaded,
  { db, clock, random, log }: RefreshDeps,
): Promise<void> {
  const now = clock();
  if (downloaded.kind === 'unchanged') {
    const reading = readTrusted(copy?.fetched?.xml ?? '', source.pins, now);
    const dueAt = nextRefresh(reading, source.refreshMs, now, random());
    await inTransaction(db, (tx) => confirmCopy(tx, key, now, dueAt));
    return;
  }
  const { xml, etag, lastModified } = downloaded;
  const { idp, ...validity } = believe(xml, () => readTrusted(xml, source.pins, now));
  const dueAt = nextRefresh(validity, source.refreshMs, now, random());
  const fetched = { xml, etag, lastModified, validUntil: validity.validUntil };
  const [before, certificates] = await inTransaction(db, async (tx) => {
    await registerConnection(tx, key.connectionId, idp.entityId, now);
    const known = (await readCopy(tx, key))?.certificates ?? [];
    const next = announceCertificates(known, idp.certificates, now, source);
    await storeCopy(tx, key, { fetched, certificates: next, now, dueAt });
    return [known, next] as const;
  });
  // At the first time everything is new.
  if (copy?.fetched) logChanges(log, key, before, certificates);
}

function believe<T>(xml: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Unbelieved(xml, cause);
  }
}

async function noteFailure(
  key: CopyKey,
  { refreshMs }: UrlSource,
  copy: StoredCopy | null,
  thrown: unknown,
  { db, log, clock, random, usable }: RefreshDeps,
): Promise<void> {
  const now = clock();
  const error = thrown instanceof Unbelieved ? thrown.cause : thrown;
  const failures = (copy?.failures ?? 0) + 1;
  const dueAt = nextRetry(failures, { refreshMs, hasCopy: usable }, now, random());
  const code = codeOf(error);
  const refused = SIGNATURE_CODES.has(code) && thrown instanceof Unbelieved;
  const named = refused ? certificatesIn(thrown.xml, now) : [];
  const [before, certificates] = await inTransaction(db, async (tx) => {
    const known = (await readCopy(tx, key))?.certificates ?? [];
    const next = refuseCertificates(known, named, now);
    if (named.length > 0) await replaceCertificates(tx, key, next);
    const sentence = error instanceof AppError ? error.message : wordsOf(error);
    await noteCopyFailure(tx, key, { at: now, code, sentence }, dueAt);
    return [known, next] as const;
  });
  const level = LOUD_CODES.has(code) ? 'error' : 'warn';
  const facts = { failures, next_at: new Date(dueAt), copy_kept: usable };
  const event = 'connection.refresh_failed';
  log[level]({ event, connection: key.connectionId, code, ...facts, err: error });
  logChanges(log, key, before, certificates);
}

const SIGNATURE_CODES = new Set(['saml.metadata_not_signed', 'saml.metadata_signature_invalid']);
/** Not an outage: somebody else answers there, or somebody tries to. */
const LOUD_CODES = new Set([...SIGNATURE_CODES, 'connection.entity_id_changed']);

/** To be looked at only. */
function certificatesIn(xml: string, now: Parameters<typeof parseMetadata>[2]): readonly string[] {
  try {
    return parseMetadata(xml, null, now).certificates;
  } catch {
    return [];
  }
}

/** One line for each certificate whose standing is another than before. */
function logChanges(
  log: RefreshDeps['log'],
  { connectionId }: CopyKey,
  before: readonly KnownCertificate[],
  now: readonly KnownCertificate[],
): void {
  const standings = new Map(before.map((one) => [one.fingerprint, one.standing]));
  for (const { fingerprint, pem, standing, trustedUntil } of now) {
    if (standings.get(fingerprint) === standing) continue;
    log.warn({
      event: `certificate.${standing}`,
      connection: connectionId,
      fingerprint,
      not_after: new X509Certificate(pem).validToDate,
      ...(trustedUntil === null ? {} : { trusted_until: new Date(trustedUntil) }),
    });
  }
}
