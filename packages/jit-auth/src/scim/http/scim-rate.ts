import { RateLimiterMemory } from 'rate-limiter-flexible';
import { waitOf } from '../../http/rate-wait.ts';

/** How much is let through, in this process. */
export interface ScimAllowance {
  /** Requests of one token in {@link windowSeconds}: a client that imports goes as fast as it can. */
  readonly perToken: number;
  /** Requests of one address that brought no good token: then the address waits. */
  readonly badPerAddress: number;
  readonly windowSeconds: number;
}

export const USUAL_ALLOWANCE: ScimAllowance = {
  perToken: 60_000,
  badPerAddress: 60,
  windowSeconds: 60,
};

/** Counts requests. Answers with how long to wait, in milliseconds; null: not at all. */
export class ScimRate {
  readonly #tokens: RateLimiterMemory;
  readonly #bad: RateLimiterMemory;
  readonly #badPerAddress: number;

  constructor({ perToken, badPerAddress, windowSeconds }: ScimAllowance) {
    this.#tokens = new RateLimiterMemory({ points: perToken, duration: windowSeconds });
    this.#bad = new RateLimiterMemory({ points: badPerAddress, duration: windowSeconds });
    this.#badPerAddress = badPerAddress;
  }

  /** One more request by a token. */
  countToken(id: string): Promise<number | null> {
    return waitOf(this.#tokens.consume(id));
  }

  /** One more request of an address that brought no good token. */
  async countBad(address: string): Promise<void> {
    await waitOf(this.#bad.consume(address));
  }

  /** Whether an address has brought too many bad ones: asked before the database is. */
  async waitOfAddress(address: string): Promise<number | null> {
    const held = await this.#bad.get(address);
    if (held === null || held.consumedPoints < this.#badPerAddress) return null;
    return held.msBeforeNext;
  }
}
