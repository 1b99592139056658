import { Random } from './random.ts';

/**
 * What a run is about, for what is rare when everything may happen: people who leave one
 * after another, sign-ins in the middle of sweeps, deaths, operators.
 */
export type Theme = 'everything' | 'exodus' | 'doors' | 'deaths' | 'operators';

/** The theme of a seed. */
export function themeOf(seed: string): Theme {
  return new Random(`${seed} theme`).weighted({
    everything: 44,
    exodus: 18,
    doors: 14,
    deaths: 14,
    operators: 10,
  });
}
