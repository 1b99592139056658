import { randomUUID } from 'node:crypto';
import type { Decision } from '@rollcall/shared/core/decision';
import { toUserId } from '@rollcall/shared/core/ids';
import { type BrakeHistory, brake, type Population } from '@rollcall/sweeper/reconcile/brake';
import {
  allowedBy,
  DEFAULT_PERCENTS,
  LARGEST_PERCENT,
  limitsFor,
} from '@rollcall/sweeper/reconcile/brake-limits';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const LIMITS = limitsFor(DEFAULT_PERCENTS);
const NONE = { absence: 0, disabled: 0, roles: 0, returns: 0 };
const QUIET: BrakeHistory = { day: NONE, week: NONE, privilegedPerDay: 0 };

type Take = 'absent' | 'disabled' | 'unassigned' | 'roles' | 'gain' | 'return';

function take(what: Take): Decision {
  const userId = toUserId(randomUUID());
  if (what === 'return') {
    return { kind: 'restore', userId, reason: 'listed_again', evidence: 'E1' };
  }
  if (what !== 'roles' && what !== 'gain') {
    return { kind: 'deactivate', userId, reason: what, evidence: what === 'absent' ? 'E2' : 'E1' };
  }
  const [gain, lose] = what === 'gain' ? [['admin'], []] : [[], ['admin']];
  const reason = 'groups_changed' as const;
  return { kind: 'change_roles', userId, reason, roles: gain, gain, lose, because: [] };
}

function takes(what: Take, count: number): Decision[] {
  return Array.from({ length: count }, () => take(what));
}

function among(withAccess: number, privileged: readonly Decision[] = []): Population {
  return { withAccess, privileged: new Map(privileged.map((d) => [d.userId, ['admin']])) };
}

function rulesOf(outcome: ReturnType<typeof brake>) {
  return outcome.kind === 'go' ? [] : outcome.why.map((reason) => `${reason.class} ${reason.rule}`);
}

describe('brake', () => {
  it.each([
    ['absent', 3, 100, []],
    ['absent', 4, 100, ['absence absencePerRun']],
    ['absent', 20, 1_000, []],
    ['absent', 21, 1_000, ['absence absencePerRun']],
    ['disabled', 10, 100, []],
    ['unassigned', 11, 100, ['disabled disabledPerDay']],
    ['disabled', 100, 1_000, []],
    ['roles', 3, 100, []],
    ['roles', 4, 100, ['roles rolesPerRun']],
    ['gain', 80, 100, []],
    ['return', 3, 100, []],
    ['return', 4, 100, ['returns absencePerRun']],
    ['return', 3, 0, []],
  ] as const)('%s: %i of %i', (what, count, withAccess, rules) => {
    expect(rulesOf(brake(takes(what, count), QUIET, LIMITS, among(withAccess)))).toEqual(rules);
  });

  it('remembers a day and a week', () => {
    const day = { ...QUIET, day: { ...NONE, absence: 4 }, week: { ...NONE, absence: 4 } };
    expect(brake(takes('absent', 1), day, LIMITS, among(100)).kind).toBe('go');
    expect(rulesOf(brake(takes('absent', 2), day, LIMITS, among(100)))).toEqual([
      'absence absencePerDay',
    ]);
    const week = { ...QUIET, week: { ...NONE, absence: 10 } };
    expect(rulesOf(brake(takes('absent', 1), week, LIMITS, among(100)))).toEqual([
      'absence absencePerWeek',
    ]);
    const disabled = { ...QUIET, day: { ...NONE, disabled: 10 } };
    expect(rulesOf(brake(takes('disabled', 1), disabled, LIMITS, among(100)))).toEqual([
      'disabled disabledPerDay',
    ]);
  });

  it('says what was expected and what came', () => {
    const outcome = brake(takes('absent', 4), QUIET, LIMITS, among(100));
    expect(outcome).toMatchObject({
      kind: 'held',
      heldClasses: ['absence'],
      why: [{ allowed: 3, received: 4 }],
    });
    expect(outcome.kind === 'held' && outcome.why[0]?.explanation).toBe(
      'expected at most 3 people who are gone from the directory in one run (the larger of 3 and 2% of 100), received 4',
    );
  });

  it.each([
    ['of ten, four are gone today and one more goes', 4, 1, 6, 'held'],
    ['of ten, three are gone today and one more goes', 3, 1, 7, 'go'],
    ['of two, one is gone today and the other goes', 1, 1, 1, 'go'],
    ['of three, two are gone today and the last goes', 2, 1, 1, 'held'],
  ] as const)('counts the half of a connection over a day: %s', (_what, past, now, left, kind) => {
    const history = { ...QUIET, day: { ...NONE, disabled: past } };
    expect(brake(takes('disabled', now), history, LIMITS, among(left)).kind).toBe(kind);
  });

  it('holds only the class that trips', () => {
    const mixed = [...takes('absent', 4), ...takes('disabled', 2), ...takes('roles', 1)];
    expect(brake(mixed, QUIET, LIMITS, among(100))).toMatchObject({ heldClasses: ['absence'] });
  });

  it.each([
    [1, 1, 'go'],
    [1, 2, 'go'],
    [2, 2, 'held'],
    [2, 4, 'held'],
    [2, 5, 'go'],
    [3, 6, 'held'],
  ])('takes %i of %i: %s', (count, withAccess, kind) => {
    expect(brake(takes('disabled', count), QUIET, LIMITS, among(withAccess)).kind).toBe(kind);
    expect(brake(takes('absent', count), QUIET, LIMITS, among(withAccess)).kind).toBe(kind);
  });

  it.each([
    [3, 13, 20, []],
    [4, 19, 20, ['disabled largeShare']],
    [4, 20, 20, []],
    [9, 100, 8, ['disabled largeShare']],
    [8, 100, 8, []],
  ] as const)(
    'takes %i of %i by itself, where %i %% need two',
    (count, withAccess, share, rules) => {
      const limits = limitsFor({ ...DEFAULT_PERCENTS, twoApproversAbove: share });
      const outcome = brake(takes('disabled', count), QUIET, limits, among(withAccess));
      expect(rulesOf(outcome)).toEqual(rules);
    },
  );

  it.each([
    [21, 100, 2],
    [20, 100, 1],
    [4, 6, 2],
  ] as const)('%i of %i, held: the word of %i', (count, withAccess, approvals) => {
    const mixed = [...takes('absent', count - 1), take('roles'), take('gain'), take('return')];
    const outcome = brake(mixed, QUIET, LIMITS, among(withAccess));
    expect(outcome).toMatchObject({ kind: 'held', approvals });
    const one = takes('disabled', 1);
    const past = { ...QUIET, privilegedPerDay: 1 };
    expect(brake(one, past, LIMITS, among(3, one))).toMatchObject({ kind: 'held', approvals: 1 });
  });

  it('adds absence and positive evidence up to half of a connection', () => {
    const mixed = [...takes('absent', 2), ...takes('disabled', 3)];
    expect(brake(mixed, QUIET, LIMITS, among(10))).toMatchObject({
      heldClasses: ['absence', 'disabled'],
    });
  });

  it('takes one holder of a privileged role, not two, in one run or in a day', () => {
    const one = takes('disabled', 1);
    expect(brake(one, QUIET, LIMITS, among(1_000, one)).kind).toBe('go');
    const two = [take('absent'), take('roles')];
    expect(rulesOf(brake(two, QUIET, LIMITS, among(1_000, two)))).toEqual([
      'absence privileged_holders',
      'roles privileged_holders',
    ]);
    const past = { ...QUIET, privilegedPerDay: 1 };
    expect(brake(one, past, LIMITS, among(1_000, one)).kind).toBe('held');
    expect(brake(takes('disabled', 1), past, LIMITS, among(1_000)).kind).toBe('go');
  });
});

describe('limits', () => {
  it('have a floor, a cap and no off switch', () => {
    fc.assert(
      fc.property(fc.double(), fc.integer({ min: 0, max: 5_000_000 }), (percent, population) => {
        const wild = limitsFor({
          absencePerRun: percent,
          absencePerDay: percent,
          disabledPerDay: percent,
          roleChangesPerRun: percent,
          twoApproversAbove: percent,
          allConnectionsPerDay: percent,
        });
        for (const limit of Object.values(wild)) {
          const allowed = allowedBy(limit, population);
          expect(Number.isFinite(allowed)).toBe(true);
          expect(allowed).toBeLessThanOrEqual(
            Math.max(limit.floor, (population * LARGEST_PERCENT) / 100),
          );
        }
      }),
    );
  });

  it('never let half of a connection go, whatever is configured', () => {
    const wide = limitsFor({
      absencePerRun: 1e9,
      absencePerDay: Number.POSITIVE_INFINITY,
      disabledPerDay: 100,
      roleChangesPerRun: 100,
      twoApproversAbove: 100,
      allConnectionsPerDay: 100,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.constantFrom<Take[]>('absent', 'disabled', 'roles'),
        (withAccess, what) => {
          const count = Math.max(2, Math.ceil(withAccess / 2));
          return brake(takes(what, count), QUIET, wide, among(withAccess)).kind === 'held';
        },
      ),
    );
  });
});

describe('brake, whatever the plan', () => {
  const plan = fc
    .array(fc.constantFrom<Take[]>('absent', 'disabled', 'unassigned', 'roles', 'gain'), {
      maxLength: 30,
    })
    .map((kinds) => kinds.map(take));

  it('is not talked out of a hold by more removals', () => {
    fc.assert(
      fc.property(plan, plan, fc.integer({ min: 1, max: 400 }), (some, more, withAccess) => {
        const before = brake(some, QUIET, LIMITS, among(withAccess));
        if (before.kind === 'go') return;
        const after = brake([...some, ...more], QUIET, LIMITS, among(withAccess));
        expect(after.kind === 'held' && after.heldClasses).toEqual(
          expect.arrayContaining([...before.heldClasses]),
        );
      }),
    );
  });

  it('does not depend on the order of the decisions', () => {
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 400 }), (some, withAccess) => {
        expect(brake([...some].reverse(), QUIET, LIMITS, among(withAccess))).toEqual(
          brake(some, QUIET, LIMITS, among(withAccess)),
        );
      }),
    );
  });
});
