import type { Decision, LeaveReason } from '@rollcall/shared/core/decision';
import type { UserId } from '@rollcall/shared/core/ids';
import { allowedBy, type BrakeLimits, type Limit } from './brake-limits.ts';

/**
 * What is counted together. A class that trips waits for approval; the others go on.
 * `absence`: deactivations of people who are gone, and containments of people who may be. `disabled`: of people whom the
 * directory calls disabled or unassigned. `roles`: people who lose a role. `returns`:
 * people who were out and would have access again.
 */
export const BRAKE_CLASSES = ['absence', 'disabled', 'roles', 'returns'] as const;
export type BrakeClass = (typeof BRAKE_CLASSES)[number];

/** How many people each class has cost lately without anybody's approval. */
export interface BrakeHistory {
  readonly day: Readonly<Record<BrakeClass, number>>;
  readonly week: Readonly<Record<BrakeClass, number>>;
  /** Holders of a privileged role who lost it, or their access, within a day. */
  readonly privilegedPerDay: number;
}

/** The connection as the plan finds it. */
export interface Population {
  /** How many people have access. */
  readonly withAccess: number;
  /** The privileged roles that each person concerned holds; people without any may be left out. */
  readonly privileged: ReadonlyMap<UserId, readonly string[]>;
}

export type BrakeRule = keyof BrakeLimits | 'half_of_connection' | 'privileged_holders';

/** Why a class is held. */
export interface HeldReason {
  readonly class: BrakeClass;
  readonly rule: BrakeRule;
  /** How many people may be concerned without approval. */
  readonly allowed: number;
  /** How many people are, those of the window included. */
  readonly received: number;
  /** Of how many people. */
  readonly base: number;
  /** For people. */
  readonly explanation: string;
}

export type BrakeOutcome =
  | { readonly kind: 'go' }
  | {
      readonly kind: 'held';
      readonly heldClasses: readonly BrakeClass[];
      readonly why: readonly HeldReason[];
      /** How many people have to approve the plan. */
      readonly approvals: 1 | 2;
    };

const CLASS_OF_LEAVING: Readonly<Record<LeaveReason, BrakeClass>> = {
  absent: 'absence',
  absent_repeatedly: 'absence',
  silent: 'absence',
  disabled: 'disabled',
  unassigned: 'disabled',
};

/** What a person would lose by a decision; null where the brake has nothing to count. */
export function classOf(decision: Decision): BrakeClass | null {
  if (decision.kind === 'deactivate') return CLASS_OF_LEAVING[decision.reason];
  if (decision.kind === 'contain') return decision.reason === 'held' ? null : 'absence';
  if (decision.kind === 'change_roles' && decision.lose.length > 0) return 'roles';
  if (decision.kind === 'restore' && decision.reason === 'listed_again') return 'returns';
  return null;
}

/** The privileged roles that a decision takes from somebody. */
export function privilegedAtStake(decision: Decision, population: Population): readonly string[] {
  const held = population.privileged.get(decision.userId) ?? [];
  if (decision.kind === 'deactivate') return held;
  if (decision.kind === 'change_roles') return held.filter((role) => decision.lose.includes(role));
  return [];
}

/**
 * Whether the decisions may be applied without a person's approval. Each class has its
 * own limits, and three rules stand above them: never half of a connection or more in one
 * run, never a large share of it, and never more than one holder of a privileged role in a
 * day. Has no off switch.
 */
export function brake(
  decisions: readonly Decision[],
  history: BrakeHistory,
  limits: BrakeLimits,
  population: Population,
): BrakeOutcome {
  const counts = countPeople(decisions);
  const why = [
    ...BRAKE_CLASSES.flatMap((one) => overLimits(one, counts[one], history, limits, population)),
    ...overHalf(counts, history, population),
    ...overLargeShare(counts, limits, population),
    ...overPrivileged(decisions, history, population),
  ];
  return outcomeOf(why, counts, limits, population);
}

/** What follows from the reasons why something is held. */
export function outcomeOf(
  why: readonly HeldReason[],
  counts: PeopleCounts,
  limits: BrakeLimits,
  population: Pick<Population, 'withAccess'>,
): BrakeOutcome {
  if (why.length === 0) return { kind: 'go' };
  // The rule of privileged holders holds their lines alone: one of the last admins, who has
  // to stay, must not keep everybody else's leavers in.
  const whole = why.filter((reason) => reason.rule !== 'privileged_holders');
  const heldClasses = BRAKE_CLASSES.filter((one) => whole.some((reason) => reason.class === one));
  const people = sumOf(counts, TAKING);
  const approvals = needsTwoApprovers(people, limits, population) ? 2 : 1;
  return { kind: 'held', heldClasses, why, approvals };
}

/** The classes in which somebody loses access or a role. */
const TAKING: readonly BrakeClass[] = ['absence', 'disabled', 'roles'];

/** Whether so many people are a large share: then one person's word is not enough. */
function needsTwoApprovers(
  people: number,
  { largeShare }: BrakeLimits,
  { withAccess }: Pick<Population, 'withAccess'>,
): boolean {
  return people > 1 && people * 100 > largeShare.percent * withAccess;
}

function sumOf(counts: PeopleCounts, classes: readonly BrakeClass[]): number {
  return classes.reduce((sum, one) => sum + counts[one], 0);
}

/** How many people a plan takes something from, or gives access back to, by class. */
export type PeopleCounts = Readonly<Record<BrakeClass, number>>;

/** Counts people, not decisions. */
export function countPeople(decisions: readonly Decision[]): PeopleCounts {
  const count = (one: BrakeClass): number =>
    new Set(decisions.filter((d) => classOf(d) === one).map((d) => d.userId)).size;
  return {
    absence: count('absence'),
    disabled: count('disabled'),
    roles: count('roles'),
    returns: count('returns'),
  };
}

interface Rule {
  readonly name: keyof BrakeLimits;
  readonly window: 'run' | 'day' | 'week';
}

const RULES: Readonly<Record<BrakeClass, readonly Rule[]>> = {
  absence: [
    { name: 'absencePerRun', window: 'run' },
    { name: 'absencePerDay', window: 'day' },
    { name: 'absencePerWeek', window: 'week' },
  ],
  disabled: [{ name: 'disabledPerDay', window: 'day' }],
  roles: [
    { name: 'rolesPerRun', window: 'run' },
    { name: 'rolesPerDay', window: 'day' },
    { name: 'rolesPerWeek', window: 'week' },
  ],
  // A directory that was restored from an old backup lists its leavers again.
  returns: [
    { name: 'absencePerRun', window: 'run' },
    { name: 'absencePerDay', window: 'day' },
    { name: 'absencePerWeek', window: 'week' },
  ],
};

const SAY_CLASS: Readonly<Record<BrakeClass, string>> = {
  absence: 'people who are gone from the directory',
  disabled: 'people who are disabled or unassigned',
  roles: 'people who would lose a role',
  returns: 'people who would have access again',
};
const SAY_WINDOW = { run: 'in one run', day: 'within 24 hours', week: 'within 7 days' } as const;

function overLimits(
  one: BrakeClass,
  count: number,
  history: BrakeHistory,
  limits: BrakeLimits,
  population: Population,
): readonly HeldReason[] {
  if (count === 0) return [];
  return RULES[one].flatMap(({ name, window }) => {
    const limit: Limit = limits[name];
    const past = window === 'run' ? 0 : history[window][one];
    const allowed = allowedBy(limit, population.withAccess);
    const received = count + past;
    if (received <= allowed) return [];
    const explanation = `expected at most ${allowed} ${SAY_CLASS[one]} ${SAY_WINDOW[window]} (the larger of ${limit.floor} and ${limit.percent}% of ${population.withAccess}), received ${received}`;
    const base = population.withAccess;
    return [{ class: one, rule: name, allowed, received, base, explanation }];
  });
}

/** So many people may leave within a day, however small a connection is. */
const FEW_IN_A_DAY = 2;

/**
 * Half of a connection or more: in one run, where that is two people; within a day,
 * where it is more than two, so that a small connection is not emptied run by run. One
 * leaver of two is half of it, and still no mass removal.
 */
function overHalf(
  counts: PeopleCounts,
  history: BrakeHistory,
  population: Population,
): readonly HeldReason[] {
  const together: readonly (readonly BrakeClass[])[] = [['absence', 'disabled'], ['roles']];
  return together.flatMap((classes) => {
    const [now, past] = [sumOf(counts, classes), sumOf(history.day, classes)];
    // Whoever lost access today is counted among those there were.
    const gone = classes.includes('roles') ? 0 : past;
    const today = { received: now + past, base: population.withAccess + gone, few: FEW_IN_A_DAY };
    const run = { received: now, base: population.withAccess, few: 1 };
    const broken = [run, today].find(
      ({ received, base, few }) => now > 0 && received > few && received * 2 >= base,
    );
    if (broken === undefined) return [];
    const { received, base } = broken;
    const allowed = Math.max(1, Math.ceil(base / 2) - 1);
    const window = broken === run ? SAY_WINDOW.run : SAY_WINDOW.day;
    const explanation = `expected fewer than half of ${base} people ${window}, received ${received}`;
    return classes
      .filter((one) => counts[one] > 0)
      .map((one) => ({
        class: one,
        rule: 'half_of_connection' as const,
        allowed,
        received,
        base,
        explanation,
      }));
  });
}

/** Of a large share nobody is taken by a program alone, whatever the classes may have left. */
function overLargeShare(
  counts: PeopleCounts,
  { largeShare }: BrakeLimits,
  { withAccess: base }: Population,
): readonly HeldReason[] {
  const received = sumOf(counts, TAKING);
  const allowed = allowedBy(largeShare, base);
  if (received <= allowed) return [];
  const explanation = `expected at most ${allowed} people who lose access or a role in one run (the larger of ${largeShare.floor} and ${largeShare.percent}% of ${base}), received ${received}`;
  return TAKING.filter((one) => counts[one] > 0).map((one) => ({
    class: one,
    rule: 'largeShare' as const,
    allowed,
    received,
    base,
    explanation,
  }));
}

function overPrivileged(
  decisions: readonly Decision[],
  history: BrakeHistory,
  population: Population,
): readonly HeldReason[] {
  const concerned = decisions.filter((d) => privilegedAtStake(d, population).length > 0);
  const people = new Set(concerned.map((decision) => decision.userId)).size;
  const received = people + history.privilegedPerDay;
  if (people === 0 || received <= 1) return [];
  const explanation = `expected at most 1 holder of a privileged role within 24 hours, received ${received}`;
  const classes = new Set(concerned.map(classOf));
  return BRAKE_CLASSES.filter((one) => classes.has(one)).map((one) => ({
    class: one,
    rule: 'privileged_holders',
    allowed: 1,
    received,
    base: population.withAccess,
    explanation,
  }));
}
