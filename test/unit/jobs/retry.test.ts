import { type Ended, pauseBeforeRetry } from '@rollcall/sweeper/jobs/retry';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const MINUTE = 60_000;
const EVERY = 15 * MINUTE;

function ended(code: string, more: Partial<Ended> = {}): Ended {
  return { state: 'incomplete', code, retryAfterMs: null, ...more };
}

describe('a sweep that came to nothing', () => {
  it('is tried again after a pause that doubles, half to all of it', () => {
    const timedOut = ended('directory.timed_out');
    expect(pauseBeforeRetry(timedOut, 1, EVERY, 0)).toBe(15_000);
    expect(pauseBeforeRetry(timedOut, 1, EVERY, 1)).toBe(30_000);
    expect(pauseBeforeRetry(timedOut, 2, EVERY, 0)).toBe(30_000);
    expect(pauseBeforeRetry(timedOut, 2, EVERY, 1)).toBe(60_000);
  });

  it('is never tried again before the time that the directory named, nor much later', () => {
    const property = fc.property(
      fc.nat(EVERY * 2),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (ms, chance) => {
        const limited = ended('directory.rate_limited', { retryAfterMs: ms });
        const pause = pauseBeforeRetry(limited, 1, EVERY, chance);
        if (pause === null) return ms + 10_001 >= EVERY;
        return pause >= ms && pause <= ms + 10_001 && pause <= EVERY;
      },
    );
    fc.assert(property);
  });

  it('waits for the next one where that is due before', () => {
    const limited = ended('directory.rate_limited', { retryAfterMs: EVERY });
    expect(pauseBeforeRetry(limited, 1, EVERY, 0)).toBeNull();
    expect(pauseBeforeRetry(ended('directory.timed_out'), 1, 10_000, 0)).toBeNull();
  });

  it.each(['directory.unauthorized', 'directory.forbidden', 'listing.shrunk', 'sweep.interrupted'])(
    'is not tried again because of %s',
    (code) => expect(pauseBeforeRetry(ended(code), 1, EVERY, 0.5)).toBeNull(),
  );

  it.each(['applied', 'held', 'planned', 'failed'] as const)(
    'ended as %s, is no business of this',
    (state) =>
      expect(pauseBeforeRetry(ended('directory.timed_out', { state }), 1, EVERY, 0.5)).toBeNull(),
  );
});
