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
  /**
   * More people than this in one run, by whatever class, are held whatever the other limits
   * say, and a held plan that takes from a larger share needs two approvers.
   */
  readonly largeShare: Limit;
  /** Of everybody with access, over all connections. */
  readonly allConnectionsPerDay: Limit;
}

/** The percentages that a configuration may set. */
export interface LimitPercents {
  readonly absencePerRun: number;
  readonly absencePerDay: number;
  readonly disabledPerDay: number;
  readonly roleChangesPerRun: number;
  readonly twoApproversAbove: number;
  readonly allConnectionsPerDay: number;
}

/** No configuration lifts a limit above this, in percent of the people with access. */
export const LARGEST_PERCENT = 50;
/** Nor lets one person alone approve more than this. */
export const LARGEST_FOR_ONE_APPROVER = 20;
/** As many as the floors of one connection let go in a day: where there is only a small one, it has its own. */
const FLOOR_OVER_ALL = 15;
const PER_DAY = 5;
const PER_WEEK = 10;

/** The limits where nothing is configured, in percent. */
export const DEFAULT_PERCENTS: LimitPercents = {
  absencePerRun: 2,
  absencePerDay: PER_DAY,
  disabledPerDay: 10,
  roleChangesPerRun: 2,
  twoApproversAbove: LARGEST_FOR_ONE_APPROVER,
  allConnectionsPerDay: 2,
};

/**
 * The limits for these percentages. A wider window never allows less than a narrower one:
 * what a run may take is at most what a day may, and a week allows what a day allows.
 * Whatever is not above 0 counts as 0, whatever is above the largest as the largest.
 */
export function limitsFor(percents: LimitPercents): BrakeLimits {
  const absenceDay = clamp(percents.absencePerDay);
  const rolesRun = clamp(percents.roleChangesPerRun);
  const rolesDay = Math.max(PER_DAY, rolesRun);
  return {
    absencePerRun: { floor: 3, percent: Math.min(clamp(percents.absencePerRun), absenceDay) },
    absencePerDay: { floor: 5, percent: absenceDay },
    absencePerWeek: { floor: 10, percent: Math.max(PER_WEEK, absenceDay) },
    disabledPerDay: { floor: 10, percent: clamp(percents.disabledPerDay) },
    rolesPerRun: { floor: 3, percent: rolesRun },
    rolesPerDay: { floor: 5, percent: rolesDay },
    rolesPerWeek: { floor: 10, percent: Math.max(PER_WEEK, rolesDay) },
    largeShare: {
      floor: 3,
      percent: Math.min(clamp(percents.twoApproversAbove), LARGEST_FOR_ONE_APPROVER),
    },
    allConnectionsPerDay: {
      floor: FLOOR_OVER_ALL,
      percent: clamp(percents.allConnectionsPerDay),
    },
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
