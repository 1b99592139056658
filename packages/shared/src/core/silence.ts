import { REFUSALS_IN_DOUBT } from './sign-in-health.ts';
import type { EpochMs } from './time.ts';
import type { User } from './user.ts';

/** From when on somebody's silence means that they have left (evidence E4). */
export interface SilencePolicy {
  /** So many days of silence end access. */
  readonly deactivateDays: number;
  /** After so many days it is told beforehand, rising, all less than the above. */
  readonly warnDays: readonly number[];
  /** The connection has no directory: nothing but silence says that somebody has left. */
  readonly alone: boolean;
}

/** What is known of sign-in by a connection on one day (UTC) on which it was possible. */
export interface CountedDay {
  readonly day: number;
  /** Somebody was let in. */
  readonly accepted: boolean;
  /** Refusals that may concern everybody. */
  readonly refused: number;
}

export const DAY_MS = 24 * 60 * 60 * 1000;

/** Days since 1970-01-01, UTC. */
export function dayNumber(at: number): number {
  return Math.floor(at / DAY_MS);
}

/**
 * The days that count as silence of whoever did not sign in on them: an instance was ready
 * to take sign-ins by the connection, and it is not so that people tried and nobody came
 * in. Days of an outage, of ours or in between, are not there. Rising.
 */
export function silentDaysOf(days: readonly CountedDay[]): readonly number[] {
  return days
    .filter(({ accepted, refused }) => accepted || refused < REFUSALS_IN_DOUBT)
    .map(({ day }) => day)
    .sort((a, b) => a - b);
}

/**
 * When a silence began: with the last sign-in, or with the day on which somebody became known
 * who never signed in. Whom an administrator has given access back since has the same time
 * again to come: otherwise the next sweep would end it at once.
 */
export function silentSince(
  user: Pick<User, 'lastAssertionAt' | 'createdAt' | 'state' | 'stateReason' | 'stateChangedAt'>,
): EpochMs {
  const seenAt = user.lastAssertionAt ?? user.createdAt;
  const isGivenBack = user.state === 'active' && user.stateReason === 'by_admin';
  return isGivenBack && user.stateChangedAt > seenAt ? user.stateChangedAt : seenAt;
}

/**
 * For how many days somebody has been silent: the whole days since it began, less
 * those that do not count.
 *
 * @param countable as {@link silentDaysOf} gives them, from then on.
 */
export function countSilence(countable: readonly number[], since: EpochMs, now: EpochMs): number {
  const [first, last] = [dayNumber(since), dayNumber(now)];
  const counted = countable.filter((day) => day > first && day <= last).length;
  return Math.max(0, Math.min(counted, Math.floor((now - since) / DAY_MS)));
}

/** The highest threshold that a silence has reached without being over; null: none. */
export function warningDue(silentDays: number, policy: SilencePolicy): number | null {
  if (silentDays >= policy.deactivateDays) return null;
  return policy.warnDays.filter((days) => silentDays >= days).at(-1) ?? null;
}
