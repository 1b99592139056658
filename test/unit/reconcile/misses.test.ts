import type { UserState } from '@rollcall/shared/core/lifecycle';
import type { SignInHealth } from '@rollcall/shared/core/sign-in-health';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { decide } from '@rollcall/sweeper/reconcile/decide';
import { countMisses } from '@rollcall/sweeper/reconcile/misses';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  earlierLookUp,
  known,
  memberOf,
  NOW,
  ownLookUp,
  POLICY,
  SNAPSHOT,
  STARTED,
  userOf,
} from './people.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAILY = { needed: 4, apartMs: DAY };
const HEALTHY: SignInHealth = { kind: 'healthy' };
const BROKEN: SignInHealth = {
  kind: 'doubtful',
  why: 'refused_since',
  since: null,
  explanation: '',
};

function before(ms: number): EpochMs {
  return toEpochMs(STARTED - ms);
}

function decided(
  state: UserState,
  misses: readonly EpochMs[],
  more: { since?: EpochMs; signedIn?: EpochMs; health?: SignInHealth; policy?: object } = {},
) {
  const user = userOf({
    state,
    stateChangedAt: more.since ?? before(9 * DAY),
    lastAssertionAt: more.signedIn ?? before(10 * DAY),
  });
  const policy = { ...POLICY, misses: DAILY, ...more.policy };
  const [decision] = decide(
    SNAPSHOT,
    [known(user, { misses })],
    policy,
    STARTED,
    more.health ?? HEALTHY,
  );
  if (decision === undefined) throw new Error('nothing was decided');
  return `${decision.kind} ${decision.reason}`;
}

const THREE_DAYS = [before(3 * DAY), before(2 * DAY), before(DAY)];

describe('somebody missing where nobody can be asked', () => {
  it('is contained at the first miss, and deactivated at the fourth', () => {
    expect(decided('active', [])).toBe('contain absent_unconfirmable');
    expect(decided('suspected', [])).toBe('contain absent_unconfirmable');
    for (const misses of [[], THREE_DAYS.slice(0, 1), THREE_DAYS.slice(0, 2)]) {
      expect(decided('contained', misses)).toBe('keep waiting_for_misses');
    }
    expect(decided('contained', THREE_DAYS)).toBe('deactivate absent_repeatedly');
  });

  it('is asked before anything else, however often they were missing', () => {
    expect(decided('active', THREE_DAYS)).toBe('contain absent_unconfirmable');
    const justNow = { since: toEpochMs(STARTED + 1) };
    expect(decided('contained', THREE_DAYS, justNow)).toBe('keep waiting_for_misses');
  });

  it('keeps what they have while nobody could answer by signing in', () => {
    expect(decided('active', [], { health: BROKEN })).toBe('keep sign_in_doubtful');
    expect(decided('contained', THREE_DAYS, { health: BROKEN })).toBe('keep sign_in_doubtful');
  });

  it('begins anew after a sign-in, and is kept where it is newer than the roster', () => {
    const signedIn = before(2 * DAY - 1);
    expect(decided('contained', THREE_DAYS, { signedIn })).toBe('keep waiting_for_misses');
    expect(decided('active', [], { signedIn: STARTED })).toBe('keep signed_in_since');
  });

  it('is never confirmed by look-ups that cannot be made', () => {
    const user = userOf();
    const [decision] = decide(SNAPSHOT, [known(user)], POLICY, STARTED, HEALTHY);
    expect(decision).toMatchObject({ kind: 'keep', reason: 'look_up_unknown' });
  });

  it('and is released as soon as they are listed', () => {
    const user = userOf({ state: 'contained' });
    const person = known(user, { member: memberOf(user), misses: THREE_DAYS });
    const [decision] = decide(SNAPSHOT, [person], { ...POLICY, misses: DAILY }, STARTED, BROKEN);
    expect(decision).toMatchObject({ kind: 'release' });
  });
});

it('nothing that the directory or sign-in leaves in doubt takes anything from anybody', () => {
  const states = fc.constantFrom('active', 'suspected', 'contained');
  const asked = fc.constantFrom('unknown', 'canary failed', 'not asked', 'sign-in doubtful');
  const past = fc.array(fc.integer({ min: 1, max: 20 * DAY }).map(before), { maxLength: 30 });
  fc.assert(
    fc.property(states, asked, past, (state, doubt, misses) => {
      const user = userOf({ state, stateChangedAt: before(30 * DAY) });
      const own = {
        ...ownLookUp(),
        ...(doubt === 'unknown' ? { standing: 'unknown' as const } : {}),
      };
      const canary = doubt === 'canary failed' ? ('failed' as const) : own.canary;
      const lookUps = doubt === 'not asked' ? [] : [earlierLookUp(), { ...own, canary }];
      const policy = doubt === 'sign-in doubtful' ? { ...POLICY, misses: DAILY } : POLICY;
      const person = known(user, { lookUps, misses });
      const [decision] = decide(SNAPSHOT, [person], policy, NOW, BROKEN);
      return decision?.kind === 'keep';
    }),
    { numRuns: 1_000 },
  );
});

describe('what counts as a miss', () => {
  const count = (misses: readonly EpochMs[], apartMs = DAY, signedIn: EpochMs | null = null) =>
    countMisses(
      SNAPSHOT,
      { user: userOf({ lastAssertionAt: signedIn }), misses },
      { needed: 4, apartMs },
    );

  it('is each roster of a day of its own, and the same roster only once', () => {
    expect(count([])).toBe(1);
    expect(count([STARTED])).toBe(1);
    expect(count(THREE_DAYS)).toBe(4);
    // Every quarter of an hour for three days is three days.
    const often = Array.from({ length: 3 * 96 }, (_, index) => before((index + 1) * 15 * 60_000));
    expect(count(often)).toBe(4);
    expect(count(often.slice(0, 90))).toBe(2);
  });

  it('may be a little early, as a nightly job is', () => {
    expect(count([before(DAY - 60_000)])).toBe(2);
    expect(count([before(DAY / 2)])).toBe(1);
  });

  it('is what the faster preset asks for: three within a day', () => {
    expect(count([before(16 * HOUR), before(8 * HOUR)], 8 * HOUR)).toBe(3);
  });

  it('never exceeds the days that passed, nor the rosters that came, nor reaches behind a sign-in', () => {
    const times = fc.array(fc.integer({ min: 0, max: 20 * DAY }).map(before), { maxLength: 40 });
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 20 * DAY }).map(before), (misses, signedIn) => {
        const counted = count(misses, DAY, signedIn);
        const after = misses.filter((at) => at > signedIn);
        const oldest = Math.min(STARTED, ...after);
        return (
          counted <= Math.floor((STARTED - oldest) / (0.9 * DAY)) + 1 &&
          counted <= new Set([...after, STARTED]).size &&
          counted >= (signedIn < STARTED ? 1 : 0)
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
