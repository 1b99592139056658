/**
 * Waits until the next request to a directory may be sent. Throws the reason of the
 * signal once that is aborted.
 */
export type Pace = (signal: AbortSignal) => Promise<void>;
