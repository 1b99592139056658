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

/** What moves a user from one state to another. */
export type LifecycleStep = 'suspect' | 'contain' | 'deactivate' | 'restore' | 'retire';

/**
 * Every legal step, by the state it starts from. What is not listed is refused:
 * a new state or step has to be written here before it can happen.
 */
const LEGAL: Readonly<Record<UserState, Partial<Readonly<Record<LifecycleStep, UserState>>>>> = {
  active: { suspect: 'suspected', contain: 'contained', deactivate: 'deactivated' },
  suspected: { contain: 'contained', deactivate: 'deactivated', restore: 'active' },
  contained: { deactivate: 'deactivated', restore: 'active' },
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

/** How far a cause outweighs another: what a person decided stands over what a program found. */
const WEIGHT: Readonly<Record<Cause, number>> = { sweep: 0, scim: 1, admin: 2 };

/**
 * Whether a deactivation by `actor` takes over one by `disabledBy`. Otherwise a
 * program could enable again whom an administrator has shut out since.
 */
export function takesOver(disabledBy: Cause, actor: Cause): boolean {
  return WEIGHT[actor] > WEIGHT[disabledBy];
}
