import type { EpochMs } from '@rollcall/shared/core/time';
import { type Finding, ok, wrong } from './finding.ts';

/** From here on a difference is worth a word, in milliseconds. */
const NOTICEABLE_MS = 5_000;
/** From here on sign-ins fail where `clock_skew` is left as it is. */
const HARMFUL_MS = 60_000;

/** A clock as it was asked. */
export interface AskedClock {
  /** Ours, before and after. */
  readonly before: EpochMs;
  readonly after: EpochMs;
  /** What it said. */
  readonly said: EpochMs;
  /** How coarsely it tells the time, in milliseconds. */
  readonly grainMs: number;
}

/**
 * How far ours is ahead of another clock, in milliseconds; negative: behind. Zero as
 * long as what it said may have been true at some moment while it was asked.
 */
export function differenceOf({ before, after, said, grainMs }: AskedClock): number {
  if (before > said + grainMs) return before - (said + grainMs);
  return after < said ? after - said : 0;
}

/** Judges the difference between our clock and another one. */
export function judgeClock(check: string, whose: string, asked: AskedClock): Finding {
  const difference = differenceOf(asked);
  if (Math.abs(difference) < NOTICEABLE_MS) return ok(check, `agrees with ${whose}`);
  const message = `ours is ${sayDifference(difference)} of ${whose}`;
  return wrong(Math.abs(difference) < HARMFUL_MS ? 'warning' : 'fault', check, {
    code: 'doctor.clock_differs',
    message,
    cure: 'Synchronize the clocks (NTP), ours first.',
  });
}

/** `3.2 s ahead`, `90 s behind`. */
export function sayDifference(differenceMs: number): string {
  const seconds = Math.abs(differenceMs) / 1000;
  const shown = seconds < 10 ? seconds.toFixed(1) : String(Math.round(seconds));
  return `${shown} s ${differenceMs < 0 ? 'behind' : 'ahead'}`;
}
