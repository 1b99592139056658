import { Random } from './random.ts';

/**
 * What a run is about, for what is rare when everything may happen: people who leave one
 * after another, sign-ins in the middle of sweeps, deaths, operators, plans that stay held,
 * silence, SCIM and administrators, companies that all lose people at once.
 */
export type Theme =
  | 'everything'
  | 'exodus'
  | 'doors'
  | 'deaths'
  | 'operators'
  | 'waves'
  | 'silence'
  | 'owners'
  | 'everywhere';

/** The theme of a seed. */
export function themeOf(seed: string): Theme {
  return new Random(`${seed} theme`).weighted({
    everything: 26,
    exodus: 14,
    doors: 12,
    deaths: 12,
    operators: 8,
    waves: 8,
    silence: 7,
    owners: 7,
    everywhere: 6,
  });
}
