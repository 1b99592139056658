declare const epochMs: unique symbol;

/**
 * Milliseconds since 1970-01-01T00:00:00Z. Branded, so that a duration or a
 * count of seconds cannot be passed for a point in time, and so that pure code
 * has a type for `now` without the global `Date`.
 */
export type EpochMs = number & { readonly [epochMs]: true };

/** Takes a number as a point in time. Throws `RangeError` when it is not a finite integer. */
export function toEpochMs(value: number): EpochMs {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`expected milliseconds as an integer, received ${value}`);
  }
  return value as EpochMs;
}

/** The point in time `durationMs` after `start` (before it, where negative). */
export function after(start: EpochMs, durationMs: number): EpochMs {
  return toEpochMs(start + durationMs);
}
