import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';

/** xs:dateTime in UTC, as SAML Core §1.3.3 wants it. */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?Z$/;

/**
 * Reads an instant of a SAML message, cut to milliseconds; null where it is none.
 * One without `Z` is none: readers differ on what it would mean.
 */
export function parseInstant(text: string): EpochMs | null {
  const match = INSTANT.exec(text);
  if (match === null) return null;
  const part = (index: number) => Number(match[index]);
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const at = new Date(0);
  at.setUTCFullYear(part(1), part(2) - 1, part(3));
  at.setUTCHours(part(4), part(5), part(6), ms);
  // The calendar carries over what does not exist, such as 30 February.
  return at.toISOString().slice(0, 19) === text.slice(0, 19) ? toEpochMs(at.getTime()) : null;
}
