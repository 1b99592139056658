import type { DirectoryMember, PartialReason, Standing } from '@rollcall/shared/core/evidence';
import type { DirectoryId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';

/** One page of a listing, as the directory gave it. */
export interface DirectoryPage {
  readonly members: readonly DirectoryMember[];
  /** Where the next page begins; null on the page that the directory itself calls the last. */
  readonly next: string | null;
  /** The total that the directory announces, where it announces one. */
  readonly announcedTotal: number | null;
  /** The date that the directory gives its listing; left out where it speaks of now. */
  readonly asOf?: EpochMs;
}

/** The answer to a look-up by immutable id. An error is `unknown`, never `absent`. */
export interface DirectoryAnswer {
  readonly standing: Standing;
  readonly groups: readonly string[] | null;
  readonly label: string | null;
  /** For the log, where the standing is `unknown`: what was expected and what came. */
  readonly because: string | null;
}

/** What an adapter can do, so that the sweep never asks for what is not there. */
export interface DirectoryCapabilities {
  /** Can it answer for one person by immutable id? Without it absence cannot be confirmed. */
  readonly lookUp: boolean;
  /** Does it say which groups a person is in? */
  readonly groups: boolean;
}

/**
 * Where we ask who still exists. One adapter for each kind of directory; each
 * passes the same contract suite.
 */
export interface Directory {
  readonly type: string;
  readonly capabilities: DirectoryCapabilities;
  /**
   * A hash of everything that decides who is listed: server, tenant, app, filter,
   * scope, and who we are authenticated as. Taken before and after each listing.
   * Throws `DirectoryError`.
   */
  fingerprint(signal: AbortSignal): Promise<string>;
  /**
   * The listing, page by page from the first; ends after the page whose `next`
   * is null. Any doubt is thrown: a page is never shortened or skipped.
   * Throws `DirectoryError`.
   */
  list(signal: AbortSignal): AsyncIterable<DirectoryPage>;
  /** Asks for one person by immutable id. Never throws for what the directory answers. */
  lookUp(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer>;
}

/** What kind of failure a directory had; each says what the reader of the log can do. */
export type DirectoryFault = Extract<
  PartialReason,
  | 'request_failed'
  | 'unauthorized'
  | 'forbidden'
  | 'rate_limited'
  | 'timed_out'
  | 'malformed_answer'
  | 'cursor_broken'
  | 'stale'
  | 'checksum_mismatch'
>;
