import type { SweepSummary } from '../sweep/summary.ts';

/** The first pause before a sweep that came to nothing is tried again, in milliseconds. */
const FIRST_PAUSE_MS = 30_000;

/** What may be otherwise in a minute. Refused credentials and a listing that shrank are not. */
const PASSING: ReadonlySet<string> = new Set([
  'directory.rate_limited',
  'directory.request_failed',
  'directory.timed_out',
  'directory.malformed_answer',
  'directory.cursor_broken',
  'listing.zero_rows',
  'listing.no_terminal_page',
  'listing.duplicate_ids',
  'listing.count_mismatch',
  'listing.fingerprint_changed',
]);

/** How a sweep ended, of what decides whether it is tried again. */
export type Ended = Pick<SweepSummary, 'state' | 'code' | 'retryAfterMs'>;

/**
 * How long to wait before a sweep whose listing proves nothing is tried again, in
 * milliseconds: as long as the directory asked for, a little more for each so that not
 * all come back together; else half to all of a pause that doubles. Null where another
 * try would not do better, or where the next sweep is due before it.
 *
 * @param attempt which attempt it was, from 1.
 * @param chance a number from 0 to 1, another one each time.
 */
export function pauseBeforeRetry(
  ended: Ended,
  attempt: number,
  everyMs: number,
  chance: number,
): number | null {
  if (ended.state !== 'incomplete' || !PASSING.has(ended.code)) return null;
  const pauseMs =
    ended.retryAfterMs === null
      ? FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + chance / 2)
      : ended.retryAfterMs + chance * Math.min(10_000, 1_000 + ended.retryAfterMs / 10);
  return pauseMs < everyMs ? Math.ceil(pauseMs) : null;
}
