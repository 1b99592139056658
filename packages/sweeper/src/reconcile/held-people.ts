import { after, type EpochMs } from '@rollcall/shared/core/time';

/** A wave may contain so much of the people with access within a minute, in percent. */
const PERCENT_A_MINUTE = 2;
export const WAVE_MS = 60_000;
/** Whoever was contained before and has brought a fresh assertion is asked for the next no sooner. */
export const FRESH_MS = 60 * 60_000;

/**
 * How many people may be contained now: at most 2 % of those with access within any minute,
 * and at least one, however many held plans and workers there have been in it.
 *
 * @param lately how many were contained within the last minute.
 */
export function roomInWave(withAccess: number, lately: number): number {
  const most = Math.max(1, Math.floor((Math.max(0, withAccess) * PERCENT_A_MINUTE) / 100));
  return Math.max(0, most - lately);
}

/** The steps of an escalation that are due, of those in milliseconds after the hold began. */
export function dueSteps(
  steps: readonly number[],
  heldSince: EpochMs,
  told: readonly number[],
  now: EpochMs,
): readonly number[] {
  return [...new Set(steps)]
    .filter((step) => !told.includes(step) && now >= after(heldSince, step))
    .sort((a, b) => a - b);
}
