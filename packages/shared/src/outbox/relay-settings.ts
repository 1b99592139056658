/** How a relay hands changes over. Durations are in milliseconds. */
export interface RelaySettings {
  /** How long a target may take for one change. */
  readonly timeoutMs: number;
  /** How often a change is tried before it is parked. With the waits between: some ten hours. */
  readonly attempts: number;
  /** How many changes are in hand at once, each of another user. */
  readonly atOnce: number;
  /** How long a change lies before it is looked for, about. */
  readonly pollMs: number;
  /** The wait after the first failure; it doubles with each further one. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

const DEFAULTS: RelaySettings = {
  timeoutMs: 30_000,
  attempts: 50,
  atOnce: 8,
  pollMs: 400,
  firstDelayMs: 1_000,
  longestDelayMs: 15 * 60_000,
};

/** The settings given, and the defaults for the rest. */
export function settingsOf(given: Partial<RelaySettings>): RelaySettings {
  return { ...DEFAULTS, ...given };
}

/** The wait after so many failures, spread so that what failed together does not return together. */
export function delayAfter(
  failures: number,
  { firstDelayMs, longestDelayMs }: Pick<RelaySettings, 'firstDelayMs' | 'longestDelayMs'>,
): number {
  const full = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 30));
  return full * (0.75 + Math.random() / 4);
}
