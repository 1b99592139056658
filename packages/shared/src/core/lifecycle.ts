import { AppError } from './errors.ts';

/**
 * The life of a user. `contained`: each session must bring a fresh assertion,
 * roles are kept. `purge_eligible`: deactivated for longer than the retention.
 */
export const USER_STATES = [
  'active',
  'suspected',
  'contained',
  'deactivated',
  'purge_eligible',
] as const;
export type UserState = (typeof USER_STATES)[number];

/** Who answers for the life of a user. Only `roll` users are swept. */
export const OWNERS = ['scim', 'roll', 'manual'] as const;
export type Owner = (typeof OWNERS)[number];

/** Who disabled a user. Only the same cause may enable the user again. */
export const CAUSES = ['admin', 'scim', 'sweep'] as const;
export type Cause = (typeof CAUSES)[number];

/** Why somebody is contained whom a plan is about that waits for a person: it ends with the wait. */
export const HELD = 'held';

/**
 * What moves a user from one state to another. `contain`: from here on each session must
 * bring a fresh assertion. `release`: it need not any more.
 */
export const LIFECYCLE_STEPS = [
  'suspect',
  'contain',
  'release',
  'deactivate',
  'restore',
  'retire',
] as const;
export type LifecycleStep = (typeof LIFECYCLE_STEPS)[number];

/**
 * Every legal step, by the state it starts from. What is not listed is refused:
 * a new state or step has to be written here before it can happen.
 */
const LEGAL: Readonly<Record<UserState, Partial<Readonly<Record<LifecycleStep, UserState>>>>> = {
  active: { suspect: 'suspected', contain: 'contained', deactivate: 'deactivated' },
  suspected: { contain: 'contained', deactivate: 'deactivated', restore: 'active' },
  contained: { release: 'active', deactivate: 'deactivated' },
  deactivated: { restore: 'active', retire: 'purge_eligible' },
  purge_eligible: { restore: 'active' },
};

/** The state that a step leads to, or null where the step is not legal. */
export function nextState(state: UserState, step: LifecycleStep): UserState | null {
  return LEGAL[state][step] ?? null;
}

/**
 * The state that a step leads to.
 * Throws `lifecycle.illegal_step` where the table above does not list it.
 */
export function requireNextState(state: UserState, step: LifecycleStep): UserState {
  const next = nextState(state, step);
  if (next === null) {
    throw new AppError('lifecycle.illegal_step', `A user who is ${state} cannot ${step}.`, {
      detail: { expected: Object.keys(LEGAL[state]), received: step },
    });
  }
  return next;
}

/** Whether a user in this state may hold a live session. Refusal is the default. */
export function maySignIn(state: UserState): boolean {
  return state === 'active' || state === 'suspected' || state === 'contained';
}

/** Whether a user in this state counts as having access, for the brake's percentages. */
export function hasAccess(state: UserState): boolean {
  return maySignIn(state);
}

/**
 * Whether `actor` may enable a user whom `disabledBy` disabled (invariant: only the
 * same cause re-enables). A suspicion or containment has no cause: fresh
 * positive evidence clears it.
 */
export function mayRestore(disabledBy: Cause | null, actor: Cause): boolean {
  return disabledBy === null || disabledBy === actor;
}

/** What of a user decides which steps are open, and to whom. */
export interface Life {
  readonly state: UserState;
  readonly cause: Cause | null;
  readonly owner: Owner;
  /** Break-glass: beside the state, whatever it is. */
  readonly protected: boolean;
}

/** What a step comes to. */
export type StepVerdict =
  | { readonly kind: 'step'; readonly next: UserState; readonly cause: Cause | null }
  /** It is so already. */
  | { readonly kind: 'done' }
  | {
      readonly kind: 'refused';
      readonly code: 'not_owned' | 'protected' | 'other_cause' | 'illegal_step';
    };

/** Steps that take something from a user, or begin to. */
const TAKING: readonly LifecycleStep[] = ['suspect', 'contain', 'deactivate', 'retire'];

/**
 * Whether `by` may take a step with a user, and where it leads: the whole of what state,
 * cause, owner and protection decide. An administrator acts on everybody; the sweep takes
 * from whom the roll-call owns, SCIM from whom SCIM owns (invariant 4), neither from the
 * protected. What a deactivation has ended, only its own cause gives back (invariant 5).
 * Null is whoever has no cause of their own, such as an assertion: they take nothing.
 */
export function judgeStep(user: Life, step: LifecycleStep, by: Cause | null): StepVerdict {
  if (isDone(user, step, by)) return { kind: 'done' };
  if (TAKING.includes(step)) {
    if (by === null) return { kind: 'refused', code: 'other_cause' };
    if (!actsOn(by, user.owner)) return { kind: 'refused', code: 'not_owned' };
    if (by !== 'admin' && user.protected) return { kind: 'refused', code: 'protected' };
  }
  // A weightier cause takes a deactivation over: the state stays, the cause changes.
  if (step === 'deactivate' && user.cause !== null) {
    return { kind: 'step', next: user.state, cause: by };
  }
  const next = nextState(user.state, step);
  if (next === null) return { kind: 'refused', code: 'illegal_step' };
  if (step === 'restore' && user.cause !== null && (by === null || !mayRestore(user.cause, by))) {
    return { kind: 'refused', code: 'other_cause' };
  }
  return { kind: 'step', next, cause: causeAfter(user, step, by) };
}

function isDone({ state, cause }: Life, step: LifecycleStep, by: Cause | null): boolean {
  switch (step) {
    case 'suspect':
      return state === 'suspected';
    case 'contain':
      return state === 'contained';
    case 'deactivate':
      return cause !== null && !(by !== null && takesOver(cause, by));
    case 'restore':
    case 'release':
      return state === 'active';
    case 'retire':
      return state === 'purge_eligible';
    default:
      return step satisfies never;
  }
}

function actsOn(by: Cause, owner: Owner): boolean {
  switch (by) {
    case 'admin':
      return true;
    case 'scim':
      return owner === 'scim';
    case 'sweep':
      return owner === 'roll';
    default:
      return by satisfies never;
  }
}

function causeAfter({ cause }: Life, step: LifecycleStep, by: Cause | null): Cause | null {
  if (step === 'deactivate') return by;
  return step === 'retire' ? cause : null;
}

/** How far a cause outweighs another: what a person decided stands over what a program found. */
const WEIGHT: Readonly<Record<Cause, number>> = { sweep: 0, scim: 1, admin: 2 };

/**
 * Whether a deactivation by `actor` takes over one by `disabledBy`. Otherwise a
 * program could enable again whom an administrator has shut out since.
 */
export function takesOver(disabledBy: Cause, actor: Cause): boolean {
  return WEIGHT[actor] > WEIGHT[disabledBy];
}
