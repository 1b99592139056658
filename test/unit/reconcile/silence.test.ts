import { CAUSES, OWNERS, USER_STATES } from '@rollcall/shared/core/lifecycle';
import type { SignInHealth } from '@rollcall/shared/core/sign-in-health';
import {
  type CountedDay,
  countSilence,
  silentDaysOf,
  warningDue,
} from '@rollcall/shared/core/silence';
import { toEpochMs } from '@rollcall/shared/core/time';
import { decide } from '@rollcall/sweeper/reconcile/decide';
import type { SweepPolicy } from '@rollcall/sweeper/reconcile/policy';
import { warningOf } from '@rollcall/sweeper/reconcile/silence';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known, memberOf, NOW, ownLookUp, POLICY, SNAPSHOT, userOf } from './people.ts';

const DAY = 86_400_000;
const SILENCE = { deactivateDays: 90, warnDays: [76, 87], alone: true };
const HEALTHY: SignInHealth = { kind: 'healthy' };

function day(number: number, more: Partial<CountedDay> = {}): CountedDay {
  return { day: number, accepted: true, refused: 0, ...more };
}

/** Days 0, 1, 2 … on which all was well. */
function days(count: number): CountedDay[] {
  return Array.from({ length: count }, (_, index) => day(index));
}

function silence(of: readonly CountedDay[], from: number, to: number): number {
  return countSilence(silentDaysOf(of), toEpochMs(from), toEpochMs(to));
}

describe('silence', () => {
  it('is whole days since the last sign-in', () => {
    const noon = DAY / 2;
    expect(silence(days(200), noon, noon)).toBe(0);
    expect(silence(days(200), noon, noon + DAY - 1)).toBe(0);
    expect(silence(days(200), noon, noon + DAY)).toBe(1);
    expect(silence(days(200), noon, noon + 90 * DAY)).toBe(90);
  });

  it('counts no day on which nobody could sign in: of an outage of ours, or when all were refused', () => {
    const outage = days(200).filter(({ day: one }) => one < 10 || one >= 100);
    expect(silence(outage, 0, 100 * DAY)).toBe(10);
    const refused = days(200).map((one) =>
      one.day < 50 ? { ...one, accepted: false, refused: 3 } : one,
    );
    expect(silence(refused, 0, 100 * DAY)).toBe(51);
    // One who fails is not everybody; nor is anybody shut out where somebody comes in.
    const few = days(200).map((one) => ({ ...one, accepted: false, refused: 2 }));
    expect(silence(few, 0, 100 * DAY)).toBe(100);
    expect(
      silence(
        days(200).map((one) => ({ ...one, refused: 99 })),
        0,
        100 * DAY,
      ),
    ).toBe(100);
  });

  it('is nothing where nothing is known', () => {
    expect(silence([], 0, 1_000 * DAY)).toBe(0);
  });

  it('never exceeds the calendar, nor the days that count, and never falls with time', () => {
    const records = fc.uniqueArray(fc.integer({ min: 0, max: 120 }), { maxLength: 120 });
    const time = fc.integer({ min: 0, max: 120 * DAY });
    fc.assert(
      fc.property(records, time, time, time, (numbers, a, b, c) => {
        const [from, to, later] = [a, b, c].sort((x, y) => x - y) as [number, number, number];
        const known_ = numbers.map((one) => day(one));
        const counted = silence(known_, from, to);
        return (
          counted >= 0 &&
          counted <= Math.floor((to - from) / DAY) &&
          counted <= numbers.length &&
          counted <= silence(known_, from, later)
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('is told at each threshold until it is over', () => {
    const due = [0, 75, 76, 86, 87, 89, 90, 400].map((count) => warningDue(count, SILENCE));
    expect(due).toEqual([null, null, 76, 76, 87, 87, null, null]);
  });
});

describe('what silence decides', () => {
  const decided = (policy: SweepPolicy, ...people: Parameters<typeof known>) => {
    const [decision] = decide(SNAPSHOT, [known(...people)], policy, NOW, HEALTHY);
    return decision === undefined ? 'nothing' : `${decision.kind} ${decision.reason}`;
  };
  const alone: SweepPolicy = { ...POLICY, silence: SILENCE };
  const beside: SweepPolicy = { ...POLICY, silence: { ...SILENCE, alone: false } };

  it('is the end of access, in whatever state, and nothing else without a directory', () => {
    for (const state of ['active', 'suspected', 'contained'] as const) {
      expect(decided(alone, userOf({ state }), { silentDays: 90 })).toBe('deactivate silent');
      expect(decided(alone, userOf({ state }), { silentDays: 89 })).toBe('keep not_silent');
      expect(decided(alone, userOf({ state }))).toBe('keep not_silent');
    }
  });

  it('takes nothing from the protected, from others, or twice', () => {
    const silentDays = 900;
    const guarded = userOf({ protected: true });
    expect(decided(alone, guarded, { silentDays })).toBe('refuse protected');
    const named = userOf();
    const protectedSubjects = new Set([named.subject]);
    expect(decided({ ...alone, protectedSubjects }, named, { silentDays })).toBe(
      'refuse protected',
    );
    for (const owner of ['scim', 'manual'] as const) {
      expect(decided(alone, userOf({ owner }), { silentDays })).toBe('keep not_silent');
    }
    const out = userOf({ state: 'deactivated', cause: 'admin' });
    expect(decided(alone, out, { silentDays })).toBe('keep already_deactivated');
  });

  it('beside a directory ends the access of whom it lists, and no more than that of whom it lacks', () => {
    const listed = userOf();
    expect(decided(beside, listed, { member: memberOf(listed), silentDays: 90 })).toBe(
      'deactivate silent',
    );
    const disabled = memberOf(listed, { standing: 'disabled' });
    expect(decided(beside, listed, { member: disabled, silentDays: 90 })).toBe(
      'deactivate disabled',
    );
    expect(decided(beside, userOf(), { lookUps: [ownLookUp()], silentDays: 3 })).toBe(
      'suspect absent_once',
    );
  });

  it('is not ended by a listing: they were listed all the while', () => {
    const out = userOf({ state: 'deactivated', cause: 'sweep', stateReason: 'silent' });
    const gone = userOf({ state: 'deactivated', cause: 'sweep', stateReason: 'absent' });
    expect(decided(beside, out, { member: memberOf(out) })).toBe('keep already_deactivated');
    expect(decided(beside, gone, { member: memberOf(gone) })).toBe('restore listed_again');
  });

  it('follows from enough days alone, for people of the roll-call with access', () => {
    const people = fc
      .record({
        state: fc.constantFrom(...USER_STATES),
        cause: fc.constantFrom(null, ...CAUSES),
        owner: fc.constantFrom(...OWNERS),
        protected: fc.boolean(),
      })
      .map((more) => userOf(more));
    const standing = fc.constantFrom('present', 'disabled', 'unassigned', null);
    const count = fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined });
    let ended = 0;
    fc.assert(
      fc.property(people, standing, count, fc.boolean(), (user, listed, silentDays, only) => {
        const member = listed === null ? null : memberOf(user, { standing: listed });
        const person = known(user, { member, ...(silentDays === undefined ? {} : { silentDays }) });
        const policy = only ? alone : beside;
        const [decision] = decide(SNAPSHOT, [person], policy, NOW, HEALTHY);
        const warned = warningOf(person, policy, SILENCE);
        if (warned !== null && (silentDays === undefined || silentDays >= 90)) return false;
        if (decision?.kind !== 'deactivate' || decision.reason !== 'silent') return true;
        ended += 1;
        const may = user.owner === 'roll' && !user.protected;
        const had = ['active', 'suspected', 'contained'].includes(user.state);
        return may && had && silentDays !== undefined && silentDays >= 90 && warned === null;
      }),
      { numRuns: 3_000 },
    );
    expect(ended).toBeGreaterThan(30);
  });
});
