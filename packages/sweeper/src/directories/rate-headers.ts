import { readRetryAfter } from '@rollcall/shared/http/retry-after';

/** Longer pauses are not believed, in milliseconds: the next sweep asks again anyway. */
const LONGEST_PAUSE_MS = 24 * 60 * 60 * 1_000;
/** A larger number of a reset header is a moment (seconds since 1970), not a duration. */
const FIRST_MOMENT_S = 1_000_000_000;
const NUMBER = /^[0-9]+(?:\.[0-9]+)?$/;

/**
 * Names under which servers say when their window begins anew: Okta and Auth0 in
 * seconds since 1970, OneLogin and the IETF draft in seconds from now.
 */
const RESET = ['x-rate-limit-reset', 'x-ratelimit-reset', 'ratelimit-reset'] as const;
const REMAINING = [
  'x-rate-limit-remaining',
  'x-ratelimit-remaining',
  'ratelimit-remaining',
] as const;

/**
 * How long a refusal (429, 503) asks us to wait, in milliseconds: `Retry-After` where it
 * can be read, else when the server's own window begins anew. Null where neither says it.
 *
 * @param nowMs milliseconds since 1970, where the answer does not carry a `Date`.
 */
export function readAskedPause(headers: Headers, nowMs: number): number | null {
  return readRetryAfter(headers.get('retry-after'), nowMs) ?? readReset(headers, nowMs);
}

/**
 * How long the window of an answer lasts still, in milliseconds, where the answer was the
 * last that the window allows; null where more may be asked.
 */
export function readSpentWindow(headers: Headers, nowMs: number): number | null {
  const remaining = firstNumber(headers, REMAINING);
  return remaining === 0 ? readReset(headers, nowMs) : null;
}

function readReset(headers: Headers, nowMs: number): number | null {
  const reset = firstNumber(headers, RESET);
  if (reset === null) return null;
  if (reset < FIRST_MOMENT_S) return bounded(reset * 1_000);
  // The server's own clock is the one that its moments are of.
  const sent = Date.parse(headers.get('date') ?? '');
  return bounded(reset * 1_000 - (Number.isNaN(sent) ? nowMs : sent));
}

function bounded(durationMs: number): number {
  return Math.min(Math.max(Math.ceil(durationMs), 0), LONGEST_PAUSE_MS);
}

function firstNumber(headers: Headers, names: readonly string[]): number | null {
  for (const name of names) {
    const text = headers.get(name)?.trim() ?? '';
    if (NUMBER.test(text)) return Number(text);
  }
  return null;
}
