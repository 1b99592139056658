import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The time of a run. It goes on when something happens, and never by itself. */
export class VirtualTime {
  #now = Date.UTC(2026, 0, 5, 8);
  #latest = 0;
  /** How far our machines' clocks are ahead of the truth, in milliseconds. */
  skew = 0;

  /** What time it is. */
  get now(): number {
    return this.#now;
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  /** What our machines believe that it is. Asking takes a millisecond. */
  ours(): EpochMs {
    this.#now += 1;
    const ours = toEpochMs(this.#now + this.skew);
    this.#latest = Math.max(this.#latest, ours);
    return ours;
  }

  /** Sets the clocks right, and waits until it is later than any of them ever said. */
  heal(): void {
    this.skew = 0;
    this.#now = Math.max(this.#now, this.#latest) + 10 * MINUTE;
  }
}
