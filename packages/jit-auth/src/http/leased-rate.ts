import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { commonCount, withinPatience } from './common-count.ts';
import { waitOf } from './rate-wait.ts';

/** How much is let through. */
export interface LeasedAllowance {
  /** What is counted: a word that no other count has. */
  readonly name: string;
  /** By all instances together, in one window. */
  readonly points: number;
  readonly windowSeconds: number;
  /** How many of them each instance gives out without asking anybody. */
  readonly free: number;
  /** How many it then takes from the common count at once. */
  readonly lease: number;
}

/** How long the common count is left alone after it has failed, in milliseconds. */
const PAUSE_MS = 5_000;
/** When what has ended is looked for and forgotten: one entry for each key. */
const MANY_KEYS = 10_000;

interface Lease {
  left: number;
  /** By the clock of `performance.now()`. */
  endsAt: number;
  /** Nothing is let through before; 0: it is. */
  blockedUntil: number;
  asking: Promise<void> | null;
}

/**
 * Counts for all instances together without asking for each request: each gives out a
 * few by itself, then takes points from the common count by the hundred (a lease), in Redis
 * or Postgres. One statement serves `lease` requests, and what is beyond the limit costs
 * none. So the limit is `points`, and `free` more for each further instance; and where
 * several hold a lease that they do not use up, somebody may have to wait earlier, by at
 * most one lease for each of them.
 *
 * Where the common count fails or hangs, each instance counts alone.
 */
export class LeasedRate {
  readonly #allowance: LeasedAllowance;
  readonly #free: RateLimiterMemory;
  readonly #common: RateLimiterAbstract;
  readonly #alone: RateLimiterMemory;
  readonly #log: Log;
  readonly #leases = new Map<string, Lease>();
  #pausedUntil = 0;

  /** @param engine null: counts alone. */
  constructor(engine: Engine | null, log: Log, allowance: LeasedAllowance) {
    const { name, points, windowSeconds: duration, free } = allowance;
    const rest = { points: Math.max(0, points - free), duration, keyPrefix: `rollcall:${name}` };
    this.#allowance = allowance;
    this.#free = new RateLimiterMemory({ points: free, duration });
    this.#alone = new RateLimiterMemory(rest);
    this.#common = engine === null ? this.#alone : commonCount(engine, rest);
    this.#log = log;
  }

  /** Counts one more. Answers with how long to wait, in milliseconds; null: not at all. */
  async count(key: string): Promise<number | null> {
    const blocked = this.waitOf(key);
    if (blocked !== null) return blocked;
    if ((await waitOf(this.#free.consume(key))) === null) return null;
    for (;;) {
      const lease = this.#leaseOf(key);
      if (lease.left > 0 && lease.endsAt > performance.now()) {
        lease.left -= 1;
        return null;
      }
      const wait = this.waitOf(key);
      if (wait !== null) return wait;
      // Those who ask at once share one question.
      lease.asking ??= this.#renew(key, lease).finally(() => {
        lease.asking = null;
      });
      await lease.asking;
    }
  }

  /** How long a key has to wait already, in milliseconds, by what this instance knows; null: not at all. */
  waitOf(key: string): number | null {
    const wait = (this.#leases.get(key)?.blockedUntil ?? 0) - performance.now();
    return wait > 0 ? wait : null;
  }

  #leaseOf(key: string): Lease {
    const there = this.#leases.get(key);
    if (there !== undefined) return there;
    if (this.#leases.size >= MANY_KEYS) this.#forgetEnded();
    const lease = { left: 0, endsAt: 0, blockedUntil: 0, asking: null };
    this.#leases.set(key, lease);
    return lease;
  }

  async #renew(key: string, lease: Lease): Promise<void> {
    const { lease: most, points, free } = this.#allowance;
    const wanted = Math.min(most, Math.max(1, points - free));
    const taken = await this.#take(key, wanted);
    const now = performance.now();
    lease.endsAt = now + taken.msBeforeNext;
    // What the last of them took beyond the limit is given back by not being given out.
    lease.left = Math.max(0, wanted - Math.max(0, taken.consumedPoints - (points - free)));
    if (lease.left === 0) lease.blockedUntil = lease.endsAt;
  }

  async #take(key: string, wanted: number): Promise<RateLimiterRes> {
    if (performance.now() < this.#pausedUntil) return takenFrom(this.#alone, key, wanted);
    try {
      return await withinPatience(takenFrom(this.#common, key, wanted));
    } catch (error) {
      this.#pausedUntil = performance.now() + PAUSE_MS;
      this.#log.warn({ event: 'rate_limit.counting_alone', for_ms: PAUSE_MS, err: error });
      return takenFrom(this.#alone, key, wanted);
    }
  }

  #forgetEnded(): void {
    const now = performance.now();
    for (const [key, { endsAt, blockedUntil, asking }] of this.#leases) {
      if (asking === null && endsAt <= now && blockedUntil <= now) this.#leases.delete(key);
    }
  }
}

/** What a count says, whether it gave the points or not. */
async function takenFrom(
  limiter: RateLimiterAbstract,
  key: string,
  points: number,
): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(key, points);
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return refused;
    throw refused;
  }
}
