import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { attributeOf, type Element } from './element.ts';
import { parseInstant } from './instant.ts';

/** How long metadata may be used, and how long until it should be asked for again. */
export interface MetadataValidity {
  /** The earliest `validUntil` on the way to the identity provider; null: no end. */
  readonly validUntil: EpochMs | null;
  /** The shortest `cacheDuration`, in milliseconds; null where none is given. */
  readonly cacheMs: number | null;
}

/** SAML Metadata §2.3.1, §2.3.2, §2.4.1: each element may have an end; the earliest holds. */
export function validityOf(elements: readonly Element[]): MetadataValidity {
  const ends = elements
    .map((element) => parseInstant(attributeOf(element, 'validUntil') ?? ''))
    .filter((end) => end !== null);
  const durations = elements
    .map((element) => parseXmlDuration(attributeOf(element, 'cacheDuration') ?? ''))
    .filter((duration) => duration !== null);
  return {
    validUntil: ends.length === 0 ? null : toEpochMs(Math.min(...ends)),
    cacheMs: durations.length === 0 ? null : Math.min(...durations),
  };
}

const DURATION =
  /^P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,10})(?:\.\d{1,9})?S)?)?$/;
const UNITS_MS = [365 * 86_400_000, 30 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000];

/**
 * xs:duration (XML Schema Datatypes §3.2.6) in milliseconds, a year taken for 365 days and
 * a month for 30; null where it is none or is negative.
 */
export function parseXmlDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  return UNITS_MS.reduce((sum, unit, index) => sum + unit * Number(match[index + 1] ?? 0), 0);
}
