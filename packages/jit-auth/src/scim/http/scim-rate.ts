import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import { LeasedRate } from '../../http/leased-rate.ts';

/** How much is let through, by all instances together. */
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

/** The share of the points that each instance gives out without asking anybody. */
const FREE_SHARE = 0.1;
/** The share that it then takes from the common count at once. */
const LEASE_SHARE = 0.01;
/** Of what comes without a good token: few enough that every instance notices soon. */
const BAD_LEASE_SHARE = 0.1;

/** Counts requests. Answers with how long to wait, in milliseconds; null: not at all. */
export class ScimRate {
  readonly #tokens: LeasedRate;
  readonly #bad: LeasedRate;

  /** @param engine null: this process counts alone. */
  constructor(
    { perToken, badPerAddress, windowSeconds }: ScimAllowance,
    engine: Engine | null,
    log: Log,
  ) {
    const shareOf = (points: number, share: number) => Math.max(1, Math.floor(points * share));
    this.#tokens = new LeasedRate(engine, log, {
      name: 'scim-token',
      points: perToken,
      windowSeconds,
      free: shareOf(perToken, FREE_SHARE),
      lease: shareOf(perToken, LEASE_SHARE),
    });
    this.#bad = new LeasedRate(engine, log, {
      name: 'scim-address',
      points: badPerAddress,
      windowSeconds,
      free: shareOf(badPerAddress, FREE_SHARE),
      lease: shareOf(badPerAddress, BAD_LEASE_SHARE),
    });
  }

  /** One more request by a token. */
  countToken(id: string): Promise<number | null> {
    return this.#tokens.count(id);
  }

  /** One more request of an address that brought no good token: how long that one has to wait. */
  countBad(address: string): Promise<number | null> {
    return this.#bad.count(address);
  }

  /** Whether an address has brought too many bad ones: asked before the database is. */
  waitOfAddress(address: string): number | null {
    return this.#bad.waitOf(address);
  }
}
