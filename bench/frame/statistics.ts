/** What a sample says: the middle of it, and how far it spreads. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  /** The quartiles: half of the sample lies between them. */
  readonly q1: number;
  readonly q3: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The value below which the share `q` of the sample lies, between neighbours by
 * straight line (Hyndman and Fan 1996, definition 7). Throws `RangeError` for an
 * empty sample, one that holds no number, and a `q` outside 0…1.
 */
export function quantile(values: readonly number[], q: number): number {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`expected a share from 0 to 1, received ${q}`);
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new RangeError(`expected finite numbers, received ${bad}`);
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) {
    throw new RangeError('expected at least one value, received none');
  }
  return below + (above - below) * (place - Math.floor(place));
}

/** Throws as {@link quantile} does. */
export function summarize(values: readonly number[]): Summary {
  return {
    count: values.length,
    median: quantile(values, 0.5),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    min: quantile(values, 0),
    max: quantile(values, 1),
  };
}

/**
 * Divides round by round: what disturbs a machine for seconds disturbs both
 * sides of one round alike, and falls out of their ratio. Throws `RangeError`
 * where the rounds are not the same number, or a divisor is not positive.
 */
export function divideByRound(
  dividends: readonly number[],
  divisors: readonly number[],
): readonly number[] {
  if (dividends.length !== divisors.length) {
    throw new RangeError(`expected ${divisors.length} rounds, received ${dividends.length}`);
  }
  return dividends.map((dividend, round) => {
    const divisor = divisors[round];
    if (divisor === undefined || !(divisor > 0)) {
      throw new RangeError(`expected a positive divisor, received ${divisor}`);
    }
    return dividend / divisor;
  });
}
