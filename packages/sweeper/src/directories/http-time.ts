import { setTimeout as wait } from 'node:timers/promises';

/** The clock that HTTP directories are asked by; a simulation turns one of its own. */
export interface HttpTime {
  /** Milliseconds that only go forward. */
  now(): number;
  /** Milliseconds since 1970, for the dates in headers. */
  date(): number;
  /** Ends after so many milliseconds; throws the reason of the signal once that is aborted. */
  wait(durationMs: number, signal: AbortSignal): Promise<void>;
  /** A signal that is aborted after so many milliseconds. */
  limit(durationMs: number): AbortSignal;
}

/** The clock of the process. */
export const SYSTEM_TIME: HttpTime = {
  now: () => performance.now(),
  date: () => Date.now(),
  limit: (durationMs) => AbortSignal.timeout(durationMs),
  wait: async (durationMs, signal) => {
    try {
      await wait(durationMs, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
