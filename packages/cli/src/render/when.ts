import type { EpochMs } from '@rollcall/shared/core/time';

export { toIso } from '@rollcall/shared/explanation/user-json';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

/**
 * A moment for people, in UTC like the logs: `09:14:03` today, `19 Nov 09:14`
 * this year, `19 Nov 2025` before.
 */
export function sayWhen(at: EpochMs, now: EpochMs): string {
  const moment = new Date(at);
  const iso = moment.toISOString();
  if (iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return iso.slice(11, 19);
  const day = `${moment.getUTCDate()} ${MONTHS[moment.getUTCMonth()]}`;
  const sameYear = moment.getUTCFullYear() === new Date(now).getUTCFullYear();
  return sameYear ? `${day} ${iso.slice(11, 16)}` : `${day} ${moment.getUTCFullYear()}`;
}

/** A duration in the two largest units that matter: `2 h 5 min`, `45 s`, `12 days`. */
export function sayDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor((seconds % 86_400) / 3600),
    Math.floor((seconds % 3600) / 60),
  ];
  if (days > 0) return days === 1 ? '1 day' : `${days} days`;
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${seconds} s`;
}

/** Whole days from one moment to a later one; negative where it has passed. */
export function daysUntil(at: EpochMs, now: EpochMs): number {
  return Math.floor((at - now) / DAY_MS);
}
