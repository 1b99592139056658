import type { DirectoryMember, ListingProof } from '@rollcall/shared/core/evidence';
import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { DirectoryError } from '../directories/directory-error.ts';
import type { Directory, DirectoryPage } from '../directories/port.ts';
import type { Lease } from './lease.ts';
import { insertMembers } from './snapshot-rows.ts';

/** So many rows are written at once, however long the pages are. */
const BATCH = 1_000;

/**
 * Lists a directory into the snapshot of a run, page by page; memory does not grow
 * with the directory. The next page is fetched while the last one is written.
 * Throws `DirectoryError`, `sweep.lease_lost`, and what the signal carries.
 *
 * @param onProgress told after each page how far the listing has come.
 */
export async function listDirectory(
  directory: Directory,
  lease: Lease,
  runId: RunId,
  signal: AbortSignal,
  onProgress: (progress: { pages: number; rows: number }) => Promise<void> = async () => undefined,
): Promise<ListingProof> {
  const fingerprintBefore = await directory.fingerprint(signal);
  const tally = {
    rows: 0,
    distinctIds: 0,
    pages: 0,
    announcedTotal: null as number | null,
    asOf: null as EpochMs | null,
  };
  let last: DirectoryPage | null = null;
  let batch: DirectoryMember[] = [];
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    const full = batch;
    batch = [];
    writing = lease
      .write((tx) => insertMembers(tx, runId, full))
      .then((count) => {
        tally.distinctIds += count;
      });
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
    batch.push(...page.members);
    if (batch.length >= BATCH) await flush();
    await onProgress({ pages: tally.pages, rows: tally.rows });
  }
  if (batch.length > 0) await flush();
  await writing;
  signal.throwIfAborted();
  const fingerprintAfter = await directory.fingerprint(signal);
  const terminalPageSeen = last !== null && last.next === null;
  return { ...tally, terminalPageSeen, fingerprintBefore, fingerprintAfter };
}

function requireMore(last: DirectoryPage | null): void {
  if (last === null || last.next !== null) return;
  throw new DirectoryError(
    'cursor_broken',
    'expected nothing after the last page, received another page',
  );
}
