import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type RateLimiterAbstract, RateLimiterMemory } from 'rate-limiter-flexible';
import { commonCount, withinPatience } from './common-count.ts';
import { waitOf } from './rate-wait.ts';

/** How many sign-ins one address may begin or end. */
export interface Allowance {
  /** In one window, by all instances together. */
  readonly points: number;
  readonly windowSeconds: number;
}

/** The share of the points that each instance gives out without asking anybody. */
const FREE_SHARE = 0.1;
/** How long the common count is left alone after it has failed. */
const PAUSE_MS = 5_000;
const PREFIX = 'rollcall:rate';

/**
 * Counts by address: the first tenth in this process alone, so that ordinary sign-ins
 * cost no query; what goes beyond it together with all instances, in Redis or Postgres;
 * and what is beyond the limit in this process again, so that a flood costs none either.
 * With several instances the limit is 600, and 60 more for each further instance.
 *
 * Where the common count fails or hangs, each instance counts alone: nobody is refused
 * for that, and nobody gets more than the limit from any one instance.
 */
export class SignInRate {
  readonly #free: RateLimiterMemory;
  readonly #common: RateLimiterAbstract;
  readonly #alone: RateLimiterMemory;
  readonly #log: Log;
  #pausedUntil = 0;

  constructor(engine: Engine, log: Log, { points, windowSeconds }: Allowance) {
    const free = Math.max(1, Math.floor(points * FREE_SHARE));
    const rest = { points: Math.max(1, points - free), duration: windowSeconds };
    this.#free = new RateLimiterMemory({ points: free, duration: windowSeconds });
    this.#alone = new RateLimiterMemory(rest);
    this.#common = commonCount(engine, {
      ...rest,
      keyPrefix: PREFIX,
      inMemoryBlockOnConsumed: rest.points + 1,
    });
    this.#log = log;
  }

  /** Counts one more. Answers with how long the address has to wait, in milliseconds; null: not at all. */
  async count(key: string): Promise<number | null> {
    if ((await waitOf(this.#free.consume(key))) === null) return null;
    if (performance.now() < this.#pausedUntil) return waitOf(this.#alone.consume(key));
    try {
      return await withinPatience(waitOf(this.#common.consume(key)));
    } catch (error) {
      this.#pausedUntil = performance.now() + PAUSE_MS;
      this.#log.warn({ event: 'rate_limit.counting_alone', for_ms: PAUSE_MS, err: error });
      return waitOf(this.#alone.consume(key));
    }
  }
}
