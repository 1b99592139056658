import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { MetadataValidity } from '../saml/metadata-validity.ts';

/** Not even a provider that asks for more is asked more often, unless the configuration says so. */
const SOONEST_MS = 60_000;
/** What is left of the time until the next fetch, so that one that fails can be made good. */
const EARLY = 0.75;
/** The wait after a first failure, in milliseconds; it doubles with each one after. */
const FIRST_RETRY_MS = 15_000;
/** The longest wait while a connection has nothing to go by. */
const LONGEST_RETRY_WITHOUT_COPY_MS = 60_000;

/**
 * When metadata that was fetched now is fetched again: after `refreshMs`, or three
 * quarters of what its own `cacheDuration` or `validUntil` leave (SAML Metadata §2.3.2),
 * whichever is sooner, less up to a tenth, so that instances and connections do not all
 * ask at once.
 *
 * @param random from 0 to 1.
 */
export function nextRefresh(
  { validUntil, cacheMs }: MetadataValidity,
  refreshMs: number,
  now: EpochMs,
  random: number,
): EpochMs {
  const asked = [
    ...(cacheMs === null ? [] : [cacheMs * EARLY]),
    ...(validUntil === null ? [] : [(validUntil - now) * EARLY]),
  ];
  const soonest = Math.min(SOONEST_MS, refreshMs);
  const wait = Math.max(soonest, Math.min(refreshMs, ...asked));
  return jittered(wait, now, random);
}

/**
 * When it is tried again after failures: 15 s, 30 s, 1 min … and at last as often as it is
 * refreshed anyway; at least every minute where there is no copy to go by.
 *
 * @param failures without a success in between, this one included.
 * @param random from 0 to 1.
 */
export function nextRetry(
  failures: number,
  { refreshMs, hasCopy }: { readonly refreshMs: number; readonly hasCopy: boolean },
  now: EpochMs,
  random: number,
): EpochMs {
  const longest = hasCopy ? refreshMs : Math.min(refreshMs, LONGEST_RETRY_WITHOUT_COPY_MS);
  const wait = Math.min(longest, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20));
  return jittered(wait, now, random);
}

function jittered(waitMs: number, now: EpochMs, random: number): EpochMs {
  return after(now, toEpochMs(Math.ceil(waitMs * (1 - random / 10))));
}
