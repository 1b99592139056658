import type { DirectoryMember, ListingProof } from '@rollcall/shared/core/evidence';
import type { EpochMs } from '@rollcall/shared/core/time';
import { DirectoryError } from '../directories/directory-error.ts';
import type { Directory, DirectoryPage } from '../directories/port.ts';
import { SeenIds } from '../directories/seen-ids.ts';
import type { SnapshotDraft } from './snapshot-draft.ts';

/** A listing that has ended, well or not. */
export interface FinishedListing {
  readonly proof: ListingProof;
  /** sha-256 over all rows, hexadecimal. */
  readonly digest: string;
}

/** So many rows are written at once, however long the pages are. */
const BATCH = 1_000;
/** So many are enough where nothing is being written: a slow directory is not waited for. */
const FEW = 100;

/**
 * Lists a directory into a snapshot, page by page; memory grows with the directory by a
 * few bytes for each id, which tell that none comes twice. An id that has been named before
 * keeps its first row: a duplicate is counted, never merged. The next page is fetched while
 * the last one is written. Throws `DirectoryError`, `sweep.lease_lost`, and what the signal
 * carries.
 *
 * @param onProgress told after each page how far the listing has come.
 */
export async function listDirectory(
  directory: Directory,
  draft: SnapshotDraft,
  signal: AbortSignal,
  onProgress: (progress: { pages: number; rows: number }) => Promise<void> = async () => undefined,
): Promise<FinishedListing> {
  const fingerprintBefore = await directory.fingerprint(signal);
  const tally = {
    rows: 0,
    pages: 0,
    announcedTotal: null as number | null,
    asOf: null as EpochMs | null,
  };
  const seen = new SeenIds();
  let last: DirectoryPage | null = null;
  let batch: DirectoryMember[] = [];
  let writing: Promise<void> = Promise.resolve();
  let idle = true;
  const flush = async (): Promise<void> => {
    await writing;
    idle = false;
    writing = draft.add(batch).then(() => {
      idle = true;
    });
    batch = [];
    // Awaited at the next flush; a rejection before that must not count as unhandled.
    writing.catch(() => undefined);
  };
  for await (const page of directory.list(signal)) {
    signal.throwIfAborted();
    requireMore(last);
    last = page;
    tally.pages += 1;
    tally.rows += page.members.length;
    tally.announcedTotal = page.announcedTotal ?? tally.announcedTotal;
    tally.asOf = page.asOf ?? tally.asOf;
    for (const member of page.members) if (seen.add(member.id)) batch.push(member);
    if (batch.length >= (idle ? FEW : BATCH)) await flush();
    await onProgress({ pages: tally.pages, rows: tally.rows });
  }
  if (batch.length > 0) await flush();
  await writing;
  signal.throwIfAborted();
  const fingerprintAfter = await directory.fingerprint(signal);
  const terminalPageSeen = last !== null && last.next === null;
  const proof = { ...tally, distinctIds: seen.count, terminalPageSeen };
  return { proof: { ...proof, fingerprintBefore, fingerprintAfter }, digest: draft.finish() };
}

function requireMore(last: DirectoryPage | null): void {
  if (last === null || last.next !== null) return;
  throw new DirectoryError(
    'cursor_broken',
    'expected nothing after the last page, received another page',
  );
}
