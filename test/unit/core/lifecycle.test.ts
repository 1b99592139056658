import { AppError } from '@rollcall/shared/core/errors';
import {
  CAUSES,
  type Cause,
  hasAccess,
  type LifecycleStep,
  mayRestore,
  maySignIn,
  nextState,
  requireNextState,
  takesOver,
  USER_STATES,
  type UserState,
} from '@rollcall/shared/core/lifecycle';
import { describe, expect, it } from 'vitest';

const STEPS = ['suspect', 'contain', 'deactivate', 'restore', 'retire'] as const;

/** Every pair there is, written out: a row for each state, a column for each step. */
const TABLE: Record<UserState, Record<LifecycleStep, UserState | null>> = {
  active: {
    suspect: 'suspected',
    contain: 'contained',
    deactivate: 'deactivated',
    restore: null,
    retire: null,
  },
  suspected: {
    suspect: null,
    contain: 'contained',
    deactivate: 'deactivated',
    restore: 'active',
    retire: null,
  },
  contained: {
    suspect: null,
    contain: null,
    deactivate: 'deactivated',
    restore: 'active',
    retire: null,
  },
  deactivated: {
    suspect: null,
    contain: null,
    deactivate: null,
    restore: 'active',
    retire: 'purge_eligible',
  },
  purge_eligible: {
    suspect: null,
    contain: null,
    deactivate: null,
    restore: 'active',
    retire: null,
  },
};
const PAIRS = USER_STATES.flatMap((state) =>
  STEPS.map((step) => [state, step, TABLE[state][step]] as const),
);

describe('the life of a user', () => {
  it.each(PAIRS)('%s, %s: %s', (state, step, next) => {
    expect(nextState(state, step)).toBe(next);
    if (next !== null) {
      expect(requireNextState(state, step)).toBe(next);
      return;
    }
    try {
      requireNextState(state, step);
      expect.unreachable('an illegal step was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({
        code: 'lifecycle.illegal_step',
        detail: {
          received: step,
          expected: STEPS.filter((other) => TABLE[state][other] !== null),
        },
      });
    }
  });

  it('takes access away only by a deactivation, and gives it back only by a restoration', () => {
    for (const [state, step, next] of PAIRS) {
      if (next === null || hasAccess(state) === hasAccess(next)) continue;
      expect(step).toBe(hasAccess(next) ? 'restore' : 'deactivate');
    }
  });

  it.each([
    ['active', true],
    ['suspected', true],
    ['contained', true],
    ['deactivated', false],
    ['purge_eligible', false],
  ] as const)('lets whoever is %s sign in: %s', (state, allowed) => {
    expect(maySignIn(state)).toBe(allowed);
    expect(hasAccess(state)).toBe(allowed);
  });

  it('lets nobody in whose state it does not know', () => {
    expect(maySignIn('toString' as UserState)).toBe(false);
  });
});

describe('a cause', () => {
  const pairs = CAUSES.flatMap((by) => CAUSES.map((actor) => [by, actor] as const));

  it.each(pairs)('%s is ended by %s only where they are the same', (by, actor) => {
    expect(mayRestore(by, actor)).toBe(by === actor);
  });

  it.each(CAUSES)('is not needed to end what has none: %s', (actor) => {
    expect(mayRestore(null, actor)).toBe(true);
  });

  const over: readonly (readonly [Cause, Cause])[] = [
    ['sweep', 'scim'],
    ['sweep', 'admin'],
    ['scim', 'admin'],
  ];
  it.each(pairs)('%s is taken over by %s only where that is weightier', (by, actor) => {
    const expected = over.some(([from, to]) => from === by && to === actor);
    expect(takesOver(by, actor)).toBe(expected);
  });
});
