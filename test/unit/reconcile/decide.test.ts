import { decide } from '@rollcall/sweeper/reconcile/decide';
import type { KnownUser } from '@rollcall/sweeper/reconcile/known-user';
import type { SweepPolicy } from '@rollcall/sweeper/reconcile/policy';
import { describe, expect, it } from 'vitest';
import {
  earlierLookUp,
  grantOf,
  known,
  memberOf,
  minutes,
  NOW,
  ownLookUp,
  POLICY,
  rule,
  SNAPSHOT,
  userOf,
} from './people.ts';

function decided(person: KnownUser, policy: SweepPolicy = POLICY) {
  const [decision] = decide(SNAPSHOT, [person], policy, NOW);
  const { userId, ...rest } = decision!;
  expect(userId).toBe(person.user.id);
  return rest;
}

describe('what the directory says outright', () => {
  it.each(['disabled', 'unassigned'] as const)('%s ends access at once', (standing) => {
    const user = userOf();
    expect(decided(known(user, { member: memberOf(user, { standing }) }))).toEqual({
      kind: 'deactivate',
      reason: standing,
      evidence: 'E1',
    });
  });

  it('present clears a suspicion and a containment', () => {
    for (const [state, kind] of [
      ['suspected', 'restore'],
      ['contained', 'release'],
    ] as const) {
      const user = userOf({ state });
      expect(decided(known(user, { member: memberOf(user) }))).toEqual({
        kind,
        reason: 'suspicion_cleared',
        evidence: 'E1',
      });
    }
  });

  it('present ends a deactivation of the sweep, and of nobody else', () => {
    const swept = userOf({ state: 'deactivated', cause: 'sweep' });
    expect(decided(known(swept, { member: memberOf(swept) }))).toEqual({
      kind: 'restore',
      reason: 'listed_again',
      evidence: 'E1',
    });
    for (const cause of ['admin', 'scim'] as const) {
      const user = userOf({ state: 'deactivated', cause });
      expect(decided(known(user, { member: memberOf(user) }))).toEqual({
        kind: 'refuse',
        reason: 'other_cause',
      });
    }
  });

  it('a listing older than the deactivation restores nobody', () => {
    const user = userOf({ state: 'deactivated', cause: 'sweep', stateChangedAt: minutes(0.5) });
    expect(decided(known(user, { member: memberOf(user) }))).toEqual({
      kind: 'keep',
      reason: 'already_deactivated',
    });
  });

  it('whoever is out and not listed stays out', () => {
    const user = userOf({ state: 'deactivated', cause: 'admin' });
    expect(decided(known(user))).toEqual({ kind: 'keep', reason: 'already_deactivated' });
  });

  it('refuses a row that is somebody else’s', () => {
    const [one, other] = [userOf(), userOf()];
    const person = known(one, { member: memberOf(other) });
    expect(() => decide(SNAPSHOT, [person], POLICY, NOW)).toThrow(RangeError);
  });
});

describe('who is missing from the listing', () => {
  it('is suspected at the first look-up that finds nobody', () => {
    expect(decided(known(userOf(), { lookUps: [ownLookUp()] }))).toEqual({
      kind: 'suspect',
      reason: 'absent_once',
      evidence: 'E2',
    });
  });

  it('loses access at the second, five minutes later', () => {
    const user = userOf({ state: 'suspected' });
    const lookUps = [earlierLookUp({ at: minutes(-4) }), ownLookUp()];
    expect(decided(known(user, { lookUps }))).toEqual({
      kind: 'deactivate',
      reason: 'absent',
      evidence: 'E2',
    });
  });

  it.each([
    ['too soon', [earlierLookUp({ at: minutes(-3.99) }), ownLookUp()]],
    ['more than a day ago', [earlierLookUp({ at: minutes(-1440) }), ownLookUp()]],
    ['both of this run', [ownLookUp({ at: minutes(0) }), ownLookUp({ at: minutes(1) })]],
    ['without a canary', [earlierLookUp({ canary: 'failed' }), ownLookUp()]],
    ['unknown', [earlierLookUp({ standing: 'unknown' }), ownLookUp()]],
    [
      'found in between',
      [earlierLookUp(), earlierLookUp({ standing: 'present', at: minutes(-20) }), ownLookUp()],
    ],
    [
      'listed in between',
      [
        earlierLookUp(),
        earlierLookUp({
          standing: 'present',
          seenIn: 'listing',
          canary: 'failed',
          at: minutes(-20),
        }),
        ownLookUp(),
      ],
    ],
    ['from a clock that is ahead', [earlierLookUp({ at: minutes(30) }), ownLookUp()]],
  ])('waits where the first look-up was %s', (_, lookUps) => {
    expect(decided(known(userOf({ state: 'suspected' }), { lookUps }))).toEqual({
      kind: 'keep',
      reason: 'waiting_for_confirmation',
    });
  });

  it('is not saved by a look-up that nobody answered', () => {
    const unknown = earlierLookUp({ standing: 'unknown', at: minutes(-20) });
    const lookUps = [ownLookUp(), unknown, earlierLookUp()];
    expect(decided(known(userOf(), { lookUps })).kind).toBe('deactivate');
  });

  it('cannot put removal off for ever by signing in between sweeps', () => {
    const user = userOf({ state: 'active', lastAssertionAt: minutes(-2) });
    const lookUps = [earlierLookUp(), ownLookUp()];
    expect(decided(known(user, { lookUps })).kind).toBe('deactivate');
  });

  it.each([
    ['look_up_unknown', []],
    ['look_up_unknown', [earlierLookUp()]],
    ['look_up_unknown', [earlierLookUp(), ownLookUp({ standing: 'unknown' })]],
    ['look_up_unknown', [earlierLookUp(), ownLookUp({ at: minutes(-1) })]],
    ['canary_failed', [earlierLookUp(), ownLookUp({ canary: 'failed' })]],
    ['look_up_found', [earlierLookUp(), ownLookUp({ standing: 'present' })]],
  ] as const)('stays: %s', (reason, lookUps) => {
    expect(decided(known(userOf(), { lookUps }))).toEqual({ kind: 'keep', reason });
  });

  it('is cleared of suspicion by a look-up that finds them', () => {
    const lookUps = [ownLookUp({ standing: 'present' })];
    expect(decided(known(userOf({ state: 'suspected' }), { lookUps }))).toMatchObject({
      kind: 'restore',
      reason: 'suspicion_cleared',
    });
  });

  it.each(['disabled', 'unassigned'] as const)('leaves where the look-up says %s', (standing) => {
    expect(decided(known(userOf(), { lookUps: [ownLookUp({ standing })] }))).toEqual({
      kind: 'deactivate',
      reason: standing,
      evidence: 'E1',
    });
  });

  it('stays where sign-in brought no directory id', () => {
    expect(decided(known(userOf({ directoryId: null })))).toEqual({
      kind: 'keep',
      reason: 'no_directory_id',
    });
  });
});

describe('who is not the sweep’s to remove', () => {
  const gone = { lookUps: [earlierLookUp(), ownLookUp()] };

  it.each([
    ['scim', 'owned_by_scim'],
    ['manual', 'owned_manually'],
  ] as const)('reports drift of users owned by %s', (owner, reason) => {
    const user = userOf({ owner });
    expect(decided(known(user, gone))).toEqual({ kind: 'refuse', reason });
    const member = memberOf(user, { standing: 'disabled' });
    expect(decided(known(user, { member }))).toEqual({ kind: 'refuse', reason });
    expect(decided(known(user, { member: memberOf(user) }))).toEqual({
      kind: 'keep',
      reason: 'present',
    });
  });

  it('refuses the protected, marked or configured', () => {
    expect(decided(known(userOf({ protected: true }), gone))).toEqual({
      kind: 'refuse',
      reason: 'protected',
    });
    const user = userOf();
    const policy = { ...POLICY, protectedSubjects: new Set([user.subject]) };
    const member = memberOf(user, { standing: 'disabled' });
    expect(decided(known(user, { member }), policy)).toEqual({
      kind: 'refuse',
      reason: 'protected',
    });
    expect(decided(known(user, { member: memberOf(user) }), policy).kind).toBe('keep');
  });
});

describe('roles', () => {
  function listed(groups: string[] | null, roles: string[], more: Partial<KnownUser['user']> = {}) {
    const user = userOf(more);
    const grants = roles.map((role) => grantOf(user, role));
    return known(user, { member: memberOf(user, { groups }), grants });
  }

  it('follow the groups', () => {
    expect(decided(listed(['editors'], ['analyst']))).toMatchObject({
      kind: 'change_roles',
      roles: ['editor'],
      gain: ['editor'],
      lose: ['analyst'],
      because: [{ role: 'editor', groups: ['editors'] }],
    });
    expect(decided(listed(['analysts'], ['analyst'])).kind).toBe('keep');
  });

  it('all go where the last group is gone; the state stays', () => {
    expect(decided(listed([], ['analyst']))).toMatchObject({
      kind: 'change_roles',
      roles: [],
      lose: ['analyst'],
    });
  });

  it('do not change where the directory does not name groups', () => {
    expect(decided(listed(null, ['analyst'])).kind).toBe('keep');
  });

  it('do not change where a sign-in has shown newer groups', () => {
    expect(decided(listed([], ['analyst'], { groupsSeenAt: minutes(0.5) })).kind).toBe('keep');
  });

  it('are only added to in mode additive, and never touched in mode first_login', () => {
    const additive = { ...POLICY, roles: { ...POLICY.roles, mode: 'additive' as const } };
    expect(decided(listed(['editors'], ['analyst']), additive)).toMatchObject({
      kind: 'change_roles',
      gain: ['editor'],
      lose: [],
    });
    expect(decided(listed([], ['analyst']), additive).kind).toBe('keep');
    const first = { ...POLICY, roles: { ...POLICY.roles, mode: 'first_login' as const } };
    expect(decided(listed(['editors'], ['analyst']), first).kind).toBe('keep');
  });

  const titled: SweepPolicy = {
    ...POLICY,
    roles: {
      aliases: new Map(),
      mode: 'authoritative',
      defaultRole: 'reader',
      rules: [
        rule('finance', 'finance', {
          when: { anyGroup: ['finance'], allGroups: [], attributes: { title: ['analyst'] } },
        }),
      ],
    },
  };

  it('stay where a rule asks for an attribute that nobody has told us', () => {
    expect(decided(listed(['finance'], ['finance']), titled)).toEqual({
      kind: 'keep',
      reason: 'present',
    });
  });

  it('go where the attribute is known and another', () => {
    const attributes = new Map([['title', ['cook']]]);
    expect(decided(listed(['finance'], ['finance'], { attributes }), titled)).toMatchObject({
      roles: ['reader'],
      lose: ['finance'],
    });
  });

  it('go where the group is gone, whatever the attribute would be', () => {
    expect(decided(listed([], ['finance']), titled)).toMatchObject({ lose: ['finance'] });
  });

  it('of the protected are not taken', () => {
    expect(decided(listed([], ['analyst'], { protected: true }))).toEqual({
      kind: 'refuse',
      reason: 'protected',
    });
  });
});
