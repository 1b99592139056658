import { AppError } from '@rollcall/shared/core/errors';
import {
  CAUSES,
  type Cause,
  hasAccess,
  judgeStep,
  LIFECYCLE_STEPS,
  type LifecycleStep,
  mayRestore,
  maySignIn,
  nextState,
  OWNERS,
  type Owner,
  requireNextState,
  takesOver,
  USER_STATES,
  type UserState,
} from '@rollcall/shared/core/lifecycle';
import { describe, expect, it } from 'vitest';

const STEPS = LIFECYCLE_STEPS;

/** Every pair there is, written out: a row for each state, a column for each step. */
const TABLE: Record<UserState, Record<LifecycleStep, UserState | null>> = {
  active: {
    suspect: 'suspected',
    contain: 'contained',
    release: null,
    deactivate: 'deactivated',
    restore: null,
    retire: null,
  },
  suspected: {
    suspect: null,
    contain: 'contained',
    release: null,
    deactivate: 'deactivated',
    restore: 'active',
    retire: null,
  },
  contained: {
    suspect: null,
    contain: null,
    release: 'active',
    deactivate: 'deactivated',
    restore: null,
    retire: null,
  },
  deactivated: {
    suspect: null,
    contain: null,
    release: null,
    deactivate: null,
    restore: 'active',
    retire: 'purge_eligible',
  },
  purge_eligible: {
    suspect: null,
    contain: null,
    release: null,
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

/** Who may take something from whom: a row for each who acts, a column for each owner. */
const TAKES: Record<Cause | 'nobody', Record<Owner, boolean>> = {
  admin: { roll: true, scim: true, manual: true },
  scim: { roll: false, scim: true, manual: false },
  sweep: { roll: true, scim: false, manual: false },
  nobody: { roll: false, scim: false, manual: false },
};
/** Whose deactivations each may end, and which they take over. */
const ENDS: Record<Cause | 'nobody', readonly (Cause | null)[]> = {
  admin: [null, 'admin'],
  scim: [null, 'scim'],
  sweep: [null, 'sweep'],
  nobody: [null],
};
const OVER: Record<Cause | 'nobody', readonly Cause[]> = {
  admin: ['scim', 'sweep'],
  scim: ['sweep'],
  sweep: [],
  nobody: [],
};
const CHANGES_NOTHING: Record<LifecycleStep, UserState | null> = {
  suspect: 'suspected',
  contain: 'contained',
  release: 'active',
  deactivate: null,
  restore: 'active',
  retire: 'purge_eligible',
};

describe('a step', () => {
  const everything = USER_STATES.flatMap((state) =>
    [null, ...CAUSES].flatMap((cause) =>
      OWNERS.flatMap((owner) =>
        [true, false].flatMap((guarded) =>
          STEPS.flatMap((step) =>
            [null, ...CAUSES].map((by) => ({ state, cause, owner, guarded, step, by })),
          ),
        ),
      ),
    ),
  );
  type Case = (typeof everything)[number];

  const expected = ({ state, cause, owner, guarded, step, by }: Case): unknown => {
    const who = by ?? 'nobody';
    const takesOverNow = cause !== null && OVER[who].includes(cause);
    if (state === CHANGES_NOTHING[step]) return { kind: 'done' };
    if (step === 'deactivate' && cause !== null && !takesOverNow) return { kind: 'done' };
    if (step !== 'restore' && step !== 'release') {
      if (by === null) return { kind: 'refused', code: 'other_cause' };
      if (!TAKES[who][owner]) return { kind: 'refused', code: 'not_owned' };
      if (guarded && by !== 'admin') return { kind: 'refused', code: 'protected' };
    }
    if (step === 'deactivate' && takesOverNow) return { kind: 'step', next: state, cause: by };
    const next = TABLE[state][step];
    if (next === null) return { kind: 'refused', code: 'illegal_step' };
    if (step === 'restore' && !ENDS[who].includes(cause)) {
      return { kind: 'refused', code: 'other_cause' };
    }
    const after = { deactivate: by, retire: cause } as Record<string, Cause | null>;
    return { kind: 'step', next, cause: after[step] ?? null };
  };

  it(`comes to one verdict for each of ${everything.length} combinations of state, cause, owner, protection, step and who`, () => {
    const wrong = everything.filter((one) => {
      const { state, cause, owner, guarded, step, by } = one;
      const verdict = judgeStep({ state, cause, owner, protected: guarded }, step, by);
      return JSON.stringify(verdict) !== JSON.stringify(expected(one));
    });
    expect(wrong).toEqual([]);
  });

  it('of the sweep or of SCIM never takes anything from the protected, nor from whom another owns', () => {
    for (const { state, cause, owner, guarded, step, by } of everything) {
      if (by === 'admin' || step === 'restore' || step === 'release') continue;
      const verdict = judgeStep({ state, cause, owner, protected: guarded }, step, by);
      if (guarded || by === null || owner !== { sweep: 'roll', scim: 'scim' }[by]) {
        expect(verdict.kind).not.toBe('step');
      }
    }
  });

  it('gives access back only to whom the same cause has taken it from', () => {
    for (const { state, cause, owner, guarded, step, by } of everything) {
      const verdict = judgeStep({ state, cause, owner, protected: guarded }, step, by);
      if (verdict.kind !== 'step' || hasAccess(state) || !hasAccess(verdict.next)) continue;
      expect(cause === null || cause === by).toBe(true);
    }
  });
});
