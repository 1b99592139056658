import type { DirectoryId, RunId } from './ids.ts';
import type { EpochMs } from './time.ts';

/**
 * What a directory says of one person. `absent` in a listing is a candidate,
 * no more: it counts after two direct look-ups. `unknown` is every error.
 */
export const STANDINGS = ['present', 'disabled', 'unassigned', 'absent', 'unknown'] as const;
export type Standing = (typeof STANDINGS)[number];

/**
 * How far a piece of evidence reaches.
 * E0: an error; never changes state. E1: the directory says disabled or
 * unassigned. E2: absent from a complete snapshot and from two look-ups by id.
 * E3: absent where no look-up is possible. E4: silence.
 */
export type EvidenceClass = 'E0' | 'E1' | 'E2' | 'E3' | 'E4';

/** Why a listing proves nothing about who is missing from it. */
export const PARTIAL_REASONS = [
  'request_failed',
  'unauthorized',
  'forbidden',
  'rate_limited',
  'timed_out',
  'malformed_answer',
  'cursor_broken',
  'no_terminal_page',
  'duplicate_ids',
  'count_mismatch',
  'zero_rows',
  'shrunk',
  'fingerprint_changed',
  'went_back',
  'stale',
  'checksum_mismatch',
  'interrupted',
] as const;
export type PartialReason = (typeof PARTIAL_REASONS)[number];

/** One person as a directory lists them. */
export interface DirectoryMember {
  readonly id: DirectoryId;
  /** `absent` and `unknown` cannot be listed. */
  readonly standing: 'present' | 'disabled' | 'unassigned';
  /** Names of the groups; null where the directory did not say: missing is not empty. */
  readonly groups: readonly string[] | null;
  /** For people to read; never to match by. */
  readonly label: string | null;
}

/** What a finished listing can show for itself. */
export interface ListingProof {
  readonly rows: number;
  readonly distinctIds: number;
  readonly pages: number;
  /** The total that the directory itself announced, where it announces one. */
  readonly announcedTotal: number | null;
  /** The listing ended where the directory said that it ends. */
  readonly terminalPageSeen: boolean;
  /** Hash of tenant, app, filter and scope, taken before the first and after the last page. */
  readonly fingerprintBefore: string;
  readonly fingerprintAfter: string;
  /** The date that the directory itself gives the listing; null: it speaks of now. */
  readonly asOf: EpochMs | null;
}

/** A listing with proof that it names everybody. Only `reconcile/completeness` makes one. */
export interface CompleteSnapshot {
  readonly kind: 'complete';
  readonly runId: RunId;
  /**
   * The moment of which it speaks: when the listing began, or the older date that the
   * directory itself gives it. Whatever happened later is newer than what it says.
   */
  readonly startedAt: EpochMs;
  readonly rows: number;
  /** sha-256 over the sorted rows, hexadecimal. */
  readonly digest: string;
}

/** A listing that removes nobody, with the reason why. */
export interface PartialSnapshot {
  readonly kind: 'partial';
  readonly runId: RunId;
  readonly startedAt: EpochMs;
  readonly rows: number;
  readonly reason: PartialReason;
  /** For people: what was expected and what came. */
  readonly explanation: string;
}

export type Snapshot = CompleteSnapshot | PartialSnapshot;

/** The answer to one direct look-up by immutable id. */
export interface LookUp {
  readonly standing: Standing;
  readonly groups: readonly string[] | null;
  readonly at: EpochMs;
}
