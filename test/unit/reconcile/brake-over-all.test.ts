import type { BrakeOutcome, PeopleCounts } from '@rollcall/sweeper/reconcile/brake';
import { DEFAULT_PERCENTS, limitsFor } from '@rollcall/sweeper/reconcile/brake-limits';
import { brakeOverAll } from '@rollcall/sweeper/reconcile/brake-over-all';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const LIMITS = limitsFor(DEFAULT_PERCENTS);
const GO: BrakeOutcome = { kind: 'go' };
const NONE: PeopleCounts = { absence: 0, disabled: 0, roles: 0, returns: 0 };

function over(own: BrakeOutcome, counts: Partial<PeopleCounts>, removed: number, all: number) {
  const overAll = { withAccess: all, removed };
  return brakeOverAll(own, { ...NONE, ...counts }, overAll, LIMITS, { withAccess: 1_000 });
}

describe('the limit over all connections', () => {
  it.each([
    [{ absence: 5, disabled: 10 }, 0, 40, []],
    [{ absence: 5, disabled: 10 }, 1, 40, ['absence', 'disabled']],
    [{ disabled: 1 }, 15, 749, ['disabled']],
    [{ disabled: 1 }, 15, 800, []],
    [{ absence: 20 }, 0, 1_000, []],
    [{ absence: 21 }, 0, 1_000, ['absence']],
    [{ roles: 50, returns: 50 }, 500, 1_000, []],
  ] as const)('%o after %i, of %i: holds %o', (counts, removed, all, held) => {
    const outcome = over(GO, counts, removed, all);
    expect(outcome.kind === 'held' ? outcome.heldClasses : []).toEqual(held);
  });

  it('says what was expected and what came', () => {
    expect(over(GO, { absence: 6 }, 12, 800)).toMatchObject({
      approvals: 1,
      why: [{ rule: 'allConnectionsPerDay', allowed: 16, received: 18, base: 800 }],
    });
  });

  it('counts only what would go by itself, and keeps what is held already', () => {
    const why = [
      {
        class: 'absence',
        rule: 'absencePerRun',
        allowed: 3,
        received: 30,
        base: 99,
        explanation: '',
      },
    ] as const;
    const own: BrakeOutcome = { kind: 'held', heldClasses: ['absence'], why, approvals: 2 };
    expect(over(own, { absence: 30, disabled: 10 }, 5, 700)).toBe(own);
    expect(over(own, { absence: 30, disabled: 10 }, 6, 700)).toMatchObject({
      heldClasses: ['absence', 'disabled'],
    });
  });

  const numbers = fc.nat(60);
  it('is monotone: where more was removed, or more would be, no less is held', () => {
    fc.assert(
      fc.property(
        numbers,
        numbers,
        numbers,
        numbers,
        numbers,
        fc.nat(2_000),
        (a, d, r, x, y, all) => {
          const some = over(GO, { absence: a, disabled: d }, r, all);
          const more = over(GO, { absence: a + x, disabled: d }, r + y, all);
          if (some.kind === 'held') {
            expect(more.kind === 'held' && more.heldClasses).toEqual(
              expect.arrayContaining([...some.heldClasses]),
            );
          }
          // What goes never passes the limit, and a class nobody is in is never held.
          if (some.kind === 'go' && a + d > 0)
            expect(a + d + r).toBeLessThanOrEqual(Math.max(15, all / 50));
          if (some.kind === 'held' && a === 0) expect(some.heldClasses).not.toContain('absence');
        },
      ),
    );
  });
});
