/** Longer waits are not believed: the next sweep asks again anyway. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1_000;
const SECONDS = /^[0-9]+(?:\.[0-9]+)?$/;
// RFC 9110 §5.6.7: the preferred form of a date, `Sun, 06 Nov 1994 08:49:37 GMT`.
const HTTP_DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3) as milliseconds from `nowMs`: whole
 * seconds, fractions of them (Microsoft Graph sends `2.128`) or a date. At most
 * a day. Null where the header is missing or says something else.
 */
export function readRetryAfter(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (SECONDS.test(text)) return Math.min(Math.ceil(Number(text) * 1_000), LONGEST_WAIT_MS);
  if (!HTTP_DATE.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.min(Math.max(at - nowMs, 0), LONGEST_WAIT_MS);
}
