/**
 * The ways in which the directory can be made to fail or lie. SAML keeps
 * working under all of them: that is what happens in a real outage.
 *
 * - `error_500`, `unauthorized_401`, `forbidden_403`, `too_many_429`: that status.
 * - `timeout`: no answer until the client hangs up, 60 s at most.
 * The four that follow concern the people, not the groups:
 * - `empty`: 200 with no rows and `totalResults` 0.
 * - `half`: the first half of the rows, and `totalResults` agrees with the lie.
 * - `short`: `totalResults` is true, but there are no rows past the half.
 * - `duplicate_pages`: page 2 repeats page 1.
 *
 * And again everything:
 * - `malformed`: 200 with JSON that breaks off.
 */
export const FAULTS = [
  'none',
  'error_500',
  'timeout',
  'empty',
  'half',
  'short',
  'duplicate_pages',
  'unauthorized_401',
  'forbidden_403',
  'too_many_429',
  'malformed',
] as const;

export type Fault = (typeof FAULTS)[number];

/** What the page says of each fault. */
export const FAULT_SENTENCES: Readonly<Record<Fault, string>> = {
  none: 'Healthy: the directory answers truly',
  error_500: 'Error 500 on every listing and look-up',
  timeout: 'Time-out: accepts the request and never answers',
  empty: 'Empty listing: 200 with no people at all',
  half: 'Half a listing: only the first half, and a total that agrees with it',
  short: 'Short listing: the true total, but the pages stop half way',
  duplicate_pages: 'Duplicate pages: page 2 repeats page 1',
  unauthorized_401: 'Unauthorized: 401, as if the token had been revoked',
  forbidden_403: 'Forbidden: 403, as if a permission had been taken away',
  too_many_429: 'Too many requests: 429 with Retry-After',
  malformed: 'Malformed answer: 200 with JSON that breaks off',
};

/** The refusals, with the status that each one answers. */
export const FAULT_STATUS: ReadonlyMap<Fault, number> = new Map([
  ['error_500', 500],
  ['unauthorized_401', 401],
  ['forbidden_403', 403],
  ['too_many_429', 429],
]);

/** The longest time for which an answer is held back, in milliseconds. */
export const HOLD_MS = 60_000;

/** Seconds that a client is asked to wait by `too_many_429`. */
export const RETRY_AFTER_S = 30;

/** Whether a value from outside is the name of a fault. */
export function isFault(value: unknown): value is Fault {
  return FAULTS.some((fault) => fault === value);
}

/** One page of a listing, before it is written as SCIM. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly totalResults: number;
}

/**
 * Cuts a page out of a listing as the fault has it. Rows are numbered from 1
 * (RFC 7644 §3.4.2.4); `startIndex` ≥ 1 and `count` ≥ 0 are already bounded.
 */
export function cutPage<Row>(
  all: readonly Row[],
  startIndex: number,
  count: number,
  fault: Fault,
): Page<Row> {
  const half = all.slice(0, Math.ceil(all.length / 2));
  const from = startIndex - 1;
  const cut = (rows: readonly Row[], start: number): readonly Row[] =>
    rows.slice(start, start + count);
  if (fault === 'empty') return { rows: [], totalResults: 0 };
  if (fault === 'half') return { rows: cut(half, from), totalResults: half.length };
  if (fault === 'short') return { rows: cut(half, from), totalResults: all.length };
  // A client may ask for a page that overlaps the one before.
  const isSecondPage = from > 0 && from < 2 * count;
  if (fault === 'duplicate_pages' && isSecondPage) {
    return { rows: cut(all, 0), totalResults: all.length };
  }
  return { rows: cut(all, from), totalResults: all.length };
}
