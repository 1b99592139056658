import { type EpochMs, toEpochMs } from '../core/time.ts';

/** A point in time as the `pg` driver writes it. */
export function toTimestamp(at: EpochMs): Date {
  return new Date(at);
}

/** A point in time as the `pg` driver reads it. */
export function fromTimestamp(at: Date): EpochMs {
  return toEpochMs(at.getTime());
}

/** As {@link fromTimestamp}, for columns that may be empty. */
export function fromNullableTimestamp(at: Date | null): EpochMs | null {
  return at === null ? null : fromTimestamp(at);
}

/** A point in time in ISO 8601, in UTC. */
export function isoOf(at: EpochMs): string {
  return toTimestamp(at).toISOString();
}

/** The present, for the edges: pure code takes it as an argument. */
export function currentTime(): EpochMs {
  return toEpochMs(Date.now());
}
