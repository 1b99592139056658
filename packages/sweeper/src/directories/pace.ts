/**
 * Waits until the next request to a directory may be sent. Throws the reason of the
 * signal once that is aborted, and `DirectoryError` (`rate_limited`) where the directory
 * has asked to be left alone for longer than a request is worth waiting for.
 */
export interface Pace {
  (signal: AbortSignal): Promise<void>;
  /**
   * Told that the directory asked to be left alone for so many milliseconds, so that
   * every connection that asks it does.
   */
  readonly hold?: (durationMs: number) => Promise<void>;
}
