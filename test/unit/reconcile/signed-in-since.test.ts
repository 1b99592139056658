import { after as later } from '@rollcall/shared/core/time';
import { decide } from '@rollcall/sweeper/reconcile/decide';
import type { KnownUser } from '@rollcall/sweeper/reconcile/known-user';
import { describe, expect, it } from 'vitest';
import {
  earlierLookUp,
  known,
  memberOf,
  minutes,
  NOW,
  ownLookUp,
  POLICY,
  SNAPSHOT,
  userOf,
} from './people.ts';

function decided(person: KnownUser) {
  const [decision] = decide(SNAPSHOT, [person], POLICY, NOW);
  const { userId, ...rest } = decision!;
  expect(userId).toBe(person.user.id);
  return rest;
}

describe('of evidence and sign-in, the newer wins:', () => {
  it('a sign-in after the listing had begun wins', () => {
    const user = userOf({ lastAssertionAt: minutes(0) });
    const member = memberOf(user, { standing: 'disabled' });
    expect(decided(known(user, { member }))).toEqual({ kind: 'keep', reason: 'signed_in_since' });
    // No look-up, one of another run, and one that is not later than the sign-in.
    for (const lookUps of [
      [],
      [earlierLookUp()],
      [earlierLookUp(), ownLookUp({ at: minutes(0) })],
    ]) {
      const kept = { kind: 'keep', reason: 'signed_in_since' };
      expect(decided(known(user, { lookUps }))).toEqual(kept);
      expect(decided(known(user, { member, lookUps }))).toEqual(kept);
    }
  });

  it('a look-up after that sign-in wins over it', () => {
    const user = userOf({ lastAssertionAt: minutes(0.5) });
    const member = memberOf(user, { standing: 'disabled' });
    const said = (standing: 'disabled' | 'present' | 'absent' | 'unknown') =>
      decided(known(user, { member, lookUps: [ownLookUp({ standing })] }));
    expect(said('disabled')).toEqual({ kind: 'deactivate', reason: 'disabled', evidence: 'E1' });
    expect(said('present')).toEqual({ kind: 'keep', reason: 'look_up_found' });
    expect(said('unknown')).toEqual({ kind: 'keep', reason: 'look_up_unknown' });
    expect(said('absent').kind).toBe('suspect');
    const lookUps = [earlierLookUp(), ownLookUp()];
    expect(decided(known(user, { lookUps })).kind).toBe('deactivate');
    expect(decided(known(user, { lookUps: [ownLookUp({ canary: 'failed' })] }))).toEqual({
      kind: 'keep',
      reason: 'canary_failed',
    });
  });

  it('a look-up dated after a sign-in whose clock is ahead counts, and makes no wait shorter', () => {
    const user = userOf({ lastAssertionAt: minutes(3) });
    const own = ownLookUp({ at: later(minutes(3), 1) });
    expect(decided(known(user, { lookUps: [own, earlierLookUp()] })).kind).toBe('deactivate');
    const soon = [own, earlierLookUp({ at: minutes(-3) })];
    expect(decided(known(user, { lookUps: soon })).kind).toBe('suspect');
    const tooFar = ownLookUp({ at: later(minutes(3), 2) });
    expect(decided(known(user, { lookUps: [tooFar] })).kind).toBe('keep');
  });
});
