import { type HttpTime, SYSTEM_TIME } from '@rollcall/sweeper/directories/http-time';

const A_DAY_MS = 24 * 60 * 60_000;

/**
 * A clock that stands still until somebody waits: then it is later at once. A simulator
 * that answers nothing calls {@link expire}, so that no test waits for a time-out either.
 */
export class VirtualTime implements HttpTime {
  /** How long each wait was, in milliseconds. */
  readonly waits: number[] = [];
  #now = 0;
  readonly #limits = new Map<AbortController, number>();

  now(): number {
    return this.#now;
  }

  date(): number {
    return SYSTEM_TIME.date();
  }

  async wait(durationMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.waits.push(durationMs);
    this.#now += durationMs;
  }

  limit(durationMs: number): AbortSignal {
    const controller = new AbortController();
    this.#limits.set(controller, this.#now + durationMs);
    return controller.signal;
  }

  /** No answer came in time, to whoever still waits for one. */
  expire(): void {
    this.#now = Math.max(this.#now, ...this.#limits.values());
    for (const controller of this.#limits.keys()) {
      controller.abort(new DOMException('too late', 'TimeoutError'));
    }
    this.#limits.clear();
  }

  /** Whatever pause was asked for is over. */
  sleepOverIt(): void {
    this.#limits.clear();
    this.#now += A_DAY_MS;
  }
}
