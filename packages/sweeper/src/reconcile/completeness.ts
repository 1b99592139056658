import type {
  CompleteSnapshot,
  ListingProof,
  PartialReason,
  Snapshot,
} from '@rollcall/shared/core/evidence';
import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';

/** What a listing is judged against. */
export interface ListingContext {
  readonly runId: RunId;
  readonly startedAt: EpochMs;
  /** sha-256 over the rows as they were listed, hexadecimal. */
  readonly digest: string;
  /**
   * Rows of the last complete listing in the same scope, or of one whose size a
   * person has accepted since; null where there is none.
   */
  readonly lastCompleteRows: number | null;
  /** The date that the last complete listing had of itself; null: it had none. */
  readonly lastAsOf: EpochMs | null;
}

/** A listing with less than this share of the last complete one proves nothing, in percent. */
export const SMALLEST_SHARE = 90;
/**
 * So many people may be gone all the same, as long as it is not half of them, however
 * that is rounded: of nine people, one leaver is more than a tenth.
 */
export const LEAVERS_OF_A_SMALL_LISTING = 3;

/**
 * Judges a listing that has ended. Whatever leaves a doubt makes it partial, and a
 * partial snapshot removes nobody; the first reason found is the one given.
 */
export function judge(proof: ListingProof, context: ListingContext): Snapshot {
  const { runId } = context;
  const doubt = findDoubt(proof, context);
  const { asOf } = proof;
  // Of two, the older: what happened after the roster was written is newer than it.
  const startedAt = asOf !== null && asOf < context.startedAt ? asOf : context.startedAt;
  if (doubt !== null) return { kind: 'partial', runId, startedAt, rows: proof.rows, ...doubt };
  return { kind: 'complete', runId, startedAt, rows: proof.rows, digest: context.digest };
}

/**
 * What stands for a listing where a connection has no directory: our own record of who
 * signed in. It lists nobody, and nobody is missing from it.
 *
 * @param digest sha-256 over what it is of, hexadecimal.
 */
export function ownRecord(
  context: Pick<ListingContext, 'runId' | 'startedAt' | 'digest'>,
): CompleteSnapshot {
  return { kind: 'complete', rows: 0, ...context };
}

/** Whether a listing has lost more people than may leave between two of them. */
export function isShrunk(rows: number, lastCompleteRows: number): boolean {
  const lost = lastCompleteRows - rows;
  if (rows * 100 >= lastCompleteRows * SMALLEST_SHARE || lost <= 1) return false;
  return lost > LEAVERS_OF_A_SMALL_LISTING || lost >= Math.floor(lastCompleteRows / 2);
}

interface Doubt {
  readonly reason: PartialReason;
  readonly explanation: string;
}

function findDoubt(proof: ListingProof, context: ListingContext): Doubt | null {
  const { rows, distinctIds, pages, announcedTotal } = proof;
  if (rows === 0) {
    return doubt(
      'zero_rows',
      'expected at least 1 row, received 0: an empty listing proves nothing',
    );
  }
  if (![rows, distinctIds, pages].every(isCount)) {
    return doubt(
      'malformed_answer',
      `expected counts of rows, ids and pages above 0, received ${rows}, ${distinctIds} and ${pages}`,
    );
  }
  if (!proof.terminalPageSeen) {
    return doubt(
      'no_terminal_page',
      `expected a last page, received ${pages} pages and ${rows} rows without one`,
    );
  }
  if (distinctIds !== rows) {
    return doubt(
      'duplicate_ids',
      `expected ${rows} different ids in ${rows} rows, received ${distinctIds}`,
    );
  }
  if (announcedTotal !== null && announcedTotal !== rows) {
    return doubt(
      'count_mismatch',
      `expected the ${announcedTotal} rows that the directory announced, received ${rows}`,
    );
  }
  return findDoubtOfScope(proof, context);
}

function findDoubtOfScope(proof: ListingProof, context: ListingContext): Doubt | null {
  const { rows, fingerprintBefore, fingerprintAfter } = proof;
  if (fingerprintBefore === '' || fingerprintBefore !== fingerprintAfter) {
    return doubt(
      'fingerprint_changed',
      `expected scope ${short(fingerprintBefore)} after the last page too, received ${short(fingerprintAfter)}`,
    );
  }
  if (proof.asOf !== null && context.lastAsOf !== null && proof.asOf < context.lastAsOf) {
    return doubt(
      'went_back',
      `expected a listing no older than the last one, received one that is ${minutes(context.lastAsOf - proof.asOf)} older`,
    );
  }
  const last = context.lastCompleteRows;
  if (last !== null && isShrunk(rows, last)) {
    return doubt(
      'shrunk',
      `expected at least ${Math.ceil((last * SMALLEST_SHARE) / 100)} rows (${SMALLEST_SHARE}% of the last ${last}), received ${rows}`,
    );
  }
  return null;
}

function minutes(durationMs: number): string {
  return `${Math.ceil(durationMs / 60_000)} min`;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function short(fingerprint: string): string {
  return fingerprint === '' ? 'none' : fingerprint.slice(0, 12);
}

function doubt(reason: PartialReason, explanation: string): Doubt {
  return { reason, explanation };
}
