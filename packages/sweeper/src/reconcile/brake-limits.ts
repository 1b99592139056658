/** So many people, whatever the percentage says; or the percentage, where that is more. */
export interface Limit {
  readonly floor: number;
  readonly percent: number;
}

/** How much a sweep may take by itself. There is no value that means "everything". */
export interface BrakeLimits {
  readonly absencePerRun: Limit;
  readonly absencePerDay: Limit;
  readonly absencePerWeek: Limit;
  readonly disabledPerDay: Limit;
  readonly rolesPerRun: Limit;
  readonly rolesPerDay: Limit;
  readonly rolesPerWeek: Limit;
}

/** The percentages that a configuration may set. */
export interface LimitPercents {
  readonly absencePerRun: number;
  readonly absencePerDay: number;
  readonly disabledPerDay: number;
  readonly roleChangesPerRun: number;
}

/** No configuration lifts a limit above this, in percent of the people with access. */
export const LARGEST_PERCENT = 50;
const PER_DAY = 5;
const PER_WEEK = 10;

/** The limits where nothing is configured, in percent. */
export const DEFAULT_PERCENTS: LimitPercents = {
  absencePerRun: 2,
  absencePerDay: PER_DAY,
  disabledPerDay: 10,
  roleChangesPerRun: 2,
};

/**
 * The limits for these percentages. A week allows at least what a day allows.
 * Whatever is not above 0 counts as 0, whatever is above the largest as the largest.
 */
export function limitsFor(percents: LimitPercents): BrakeLimits {
  const absenceDay = clamp(percents.absencePerDay);
  const rolesRun = clamp(percents.roleChangesPerRun);
  const rolesDay = Math.max(PER_DAY, rolesRun);
  return {
    absencePerRun: { floor: 3, percent: clamp(percents.absencePerRun) },
    absencePerDay: { floor: 5, percent: absenceDay },
    absencePerWeek: { floor: 10, percent: Math.max(PER_WEEK, absenceDay) },
    disabledPerDay: { floor: 10, percent: clamp(percents.disabledPerDay) },
    rolesPerRun: { floor: 3, percent: rolesRun },
    rolesPerDay: { floor: 5, percent: rolesDay },
    rolesPerWeek: { floor: 10, percent: Math.max(PER_WEEK, rolesDay) },
  };
}

/** How many people a limit allows among `population`. */
export function allowedBy(limit: Limit, population: number): number {
  return Math.max(limit.floor, Math.floor((population * clamp(limit.percent)) / 100));
}

function clamp(percent: number): number {
  if (!(percent > 0)) return 0;
  return Math.min(percent, LARGEST_PERCENT);
}
