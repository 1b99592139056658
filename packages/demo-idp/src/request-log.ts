/** One request that the directory received. */
export interface LoggedRequest {
  /** Milliseconds since the epoch, when the request came. */
  readonly at: number;
  readonly method: string;
  /** Path and query; the token travels in a header and is never here. */
  readonly path: string;
  /** Undefined where the client hung up, or was cut off, without an answer. */
  readonly status: number | undefined;
}

const MAX_PATH = 300;

/** The last requests to the directory, newest first. Kept in memory only. */
export class RequestLog {
  readonly #entries: LoggedRequest[] = [];
  readonly #size: number;

  constructor(size = 20) {
    this.#size = size;
  }

  record(request: LoggedRequest): void {
    this.#entries.unshift({ ...request, path: request.path.slice(0, MAX_PATH) });
    this.#entries.length = Math.min(this.#entries.length, this.#size);
  }

  entries(): readonly LoggedRequest[] {
    return [...this.#entries];
  }
}
