import type { HttpTime } from './http-time.ts';
import type { Pace } from './pace.ts';

/** How one client keeps from asking too much. */
export interface RestraintOptions {
  /** So many requests are under way at once. */
  readonly atOnce: number;
  readonly pace: Pace | null;
  readonly time: HttpTime;
}

/** What came of waiting for a turn. */
export type Turn =
  /** The request may be sent now; `leave` afterwards. */
  | {
      readonly kind: 'entered';
      /** Waited because the directory asked for it. */
      readonly pausedMs: number;
      /** Waited for others. */
      readonly pacedMs: number;
    }
  /** The directory asked for a pause that is longer than the caller can wait. */
  | { readonly kind: 'held'; readonly forMs: number };

/**
 * Lets so many requests through at once, in the order in which they came, none while the
 * directory has asked to be left alone, and each at the pace that it shares with others.
 */
export class Restraint {
  readonly #options: RestraintOptions;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #heldUntil = Number.NEGATIVE_INFINITY;

  constructor(options: RestraintOptions) {
    this.#options = options;
  }

  /**
   * Waits for a turn. Throws the reason of `signal` once that is aborted.
   *
   * @param patienceMs the longest pause that the caller can wait for.
   */
  async enter(patienceMs: number, signal: AbortSignal): Promise<Turn> {
    const { time, pace } = this.#options;
    const begun = time.now();
    await this.#takePlace(signal);
    let pausedMs = 0;
    try {
      for (;;) {
        const heldMs = this.#heldUntil - time.now();
        if (heldMs > patienceMs - pausedMs) {
          this.leave();
          return { kind: 'held', forMs: heldMs };
        }
        if (heldMs > 0) {
          pausedMs += heldMs;
          await time.wait(heldMs, signal);
        }
        await pace?.(signal);
        const now = time.now();
        // While this one waited, another may have been told to wait.
        if (this.#heldUntil > now) continue;
        return { kind: 'entered', pausedMs, pacedMs: now - begun - pausedMs };
      }
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Ends a turn. */
  leave(): void {
    this.#underWay -= 1;
    this.#waiting.shift()?.();
  }

  /** The directory asked to be left alone: for this client, and for whoever shares its pace. */
  async hold(durationMs: number): Promise<void> {
    this.rest(durationMs);
    await this.#options.pace?.hold?.(durationMs);
  }

  /** This client asks nothing for so long. */
  rest(durationMs: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#options.time.now() + durationMs);
  }

  async #takePlace(signal: AbortSignal): Promise<void> {
    while (this.#underWay >= this.#options.atOnce) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const give = (): void => resolve();
      const onAbort = (): void => {
        const place = this.#waiting.indexOf(give);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(signal.reason);
      };
      this.#waiting.push(give);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await promise;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    }
    signal.throwIfAborted();
    this.#underWay += 1;
  }
}
