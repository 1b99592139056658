import {
  type BrakeClass,
  type BrakeOutcome,
  type HeldReason,
  outcomeOf,
  type PeopleCounts,
} from './brake.ts';
import { allowedBy, type BrakeLimits } from './brake-limits.ts';

/** All connections together, as a plan of one of them finds them. */
export interface OverAll {
  /** How many people have access whom sweeps may remove. */
  readonly withAccess: number;
  /**
   * How many people sweeps have removed within a day without anybody's approval, and are
   * about to: what other plans have been let through and is not applied yet is taken.
   */
  readonly removed: number;
}

/** The classes by which people are removed. */
export const REMOVING: readonly BrakeClass[] = ['absence', 'disabled'];

/**
 * Adds the limit over all connections to what the connection's own limits said. It counts
 * whom the plan would remove by itself, and holds those classes alone: what is held already
 * uses no room. Never lets go what was held.
 */
export function brakeOverAll(
  own: BrakeOutcome,
  counts: PeopleCounts,
  overAll: OverAll,
  limits: BrakeLimits,
  population: { readonly withAccess: number },
): BrakeOutcome {
  const held = own.kind === 'held' ? own.heldClasses : [];
  const classes = REMOVING.filter((one) => counts[one] > 0 && !held.includes(one));
  const now = classes.reduce((sum, one) => sum + counts[one], 0);
  const limit = limits.allConnectionsPerDay;
  const { withAccess: base, removed } = overAll;
  const [allowed, received] = [allowedBy(limit, base), now + removed];
  if (now === 0 || received <= allowed) return own;
  const explanation = `expected at most ${allowed} people removed over all connections within 24 hours (the larger of ${limit.floor} and ${limit.percent}% of ${base}), received ${received}`;
  const why = classes.map((one): HeldReason => {
    return { class: one, rule: 'allConnectionsPerDay', allowed, received, base, explanation };
  });
  const before = own.kind === 'held' ? own.why : [];
  return outcomeOf([...before, ...why], counts, limits, population);
}
