import { type PartialSnapshot, type Snapshot, STANDINGS } from '@rollcall/shared/core/evidence';
import { OWNERS, USER_STATES } from '@rollcall/shared/core/lifecycle';
import { decide } from '@rollcall/sweeper/reconcile/decide';
import type { KnownUser, PastLookUp } from '@rollcall/sweeper/reconcile/known-user';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  EARLIER_RUN,
  grantOf,
  known,
  memberOf,
  minutes,
  NOW,
  POLICY,
  SNAPSHOT,
  THIS_RUN,
  userOf,
} from './people.ts';

const lookUps = fc.array(
  fc.record({
    runId: fc.constantFrom(THIS_RUN, EARLIER_RUN),
    standing: fc.constantFrom(...STANDINGS),
    seenIn: fc.constantFrom<PastLookUp['seenIn'][]>('look_up', 'listing'),
    canary: fc.constantFrom<PastLookUp['canary'][]>('present', 'failed'),
    at: fc.integer({ min: -3_000, max: 60 }).map(minutes),
  }),
  { maxLength: 5 },
);

const groups = fc.option(fc.subarray(['analysts', 'editors', 'cooks']));

const people: fc.Arbitrary<KnownUser> = fc
  .record({
    state: fc.constantFrom(...USER_STATES),
    owner: fc.constantFrom(...OWNERS),
    listed: fc.constantFrom('present', 'disabled', 'unassigned', 'absent'),
    isProtected: fc.boolean(),
    signedIn: fc.option(fc.integer({ min: -3_000, max: 2 })),
    groups,
    roles: fc.subarray(['analyst', 'editor', 'cook']),
    lookUps,
  })
  .map((shape) => {
    const out = shape.state === 'deactivated' || shape.state === 'purge_eligible';
    const user = userOf({
      state: shape.state,
      owner: shape.owner,
      cause: out ? 'sweep' : null,
      protected: shape.isProtected,
      lastAssertionAt: shape.signedIn === null ? null : minutes(shape.signedIn),
    });
    const standing = shape.listed === 'absent' ? null : shape.listed;
    return known(user, {
      member: standing === null ? null : memberOf(user, { standing, groups: shape.groups }),
      grants: shape.roles.map((role) => grantOf(user, role)),
      lookUps: shape.lookUps,
    });
  });

/** Whether a sign-in is newer than all that this run has found out about the person. */
function isNewest(signedInAt: number | null, { lookUps: all }: KnownUser): boolean {
  if (signedInAt === null || signedInAt < SNAPSHOT.startedAt) return false;
  return !all.some((l) => l.runId === THIS_RUN && l.seenIn === 'look_up' && l.at > signedInAt);
}

function one(person: KnownUser) {
  return decide(SNAPSHOT, [person], POLICY, NOW)[0]!;
}

describe('decide', () => {
  it('cannot be handed a partial snapshot', () => {
    expectTypeOf<PartialSnapshot>().not.toExtend<Parameters<typeof decide>[0]>();
    expectTypeOf<Snapshot>().not.toExtend<Parameters<typeof decide>[0]>();
    const pass = (partial: PartialSnapshot) =>
      // @ts-expect-error a partial snapshot decides nothing
      decide(partial, [], POLICY, NOW);
    expect(pass({ ...SNAPSHOT, kind: 'partial', reason: 'shrunk', explanation: '' })).toEqual([]);
  });

  it('takes access from nobody who is listed as present', () => {
    fc.assert(
      fc.property(people, (person) => {
        const decision = one(person);
        if (person.member?.standing !== 'present') return true;
        return !['deactivate', 'suspect', 'contain'].includes(decision.kind);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes nothing from the protected, from other owners, or from a newer sign-in', () => {
    fc.assert(
      fc.property(people, (person) => {
        const decision = one(person);
        const { user } = person;
        const spared =
          user.protected || user.owner !== 'roll' || isNewest(user.lastAssertionAt, person);
        if (!spared) return true;
        if (decision.kind === 'deactivate' || decision.kind === 'suspect') return false;
        return (
          decision.kind !== 'change_roles' ||
          (!user.protected && user.owner === 'roll' && person.member?.standing === 'present')
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('calls nobody gone without two trustworthy look-ups that are far enough apart', () => {
    let gone = 0;
    fc.assert(
      fc.property(people, (person) => {
        const decision = one(person);
        if (decision.kind !== 'deactivate' || decision.reason !== 'absent') return true;
        gone += 1;
        const sound = person.lookUps.filter(
          (l) => l.standing === 'absent' && l.canary === 'present' && l.at <= NOW,
        );
        return sound.some(
          (later) =>
            later.runId === THIS_RUN &&
            later.at >= SNAPSHOT.startedAt &&
            sound.some(
              (first) => first.runId !== THIS_RUN && later.at - first.at >= POLICY.confirmAfterMs,
            ),
        );
      }),
      {
        numRuns: 5_000,
        // A pair that confirms is rare by chance.
        examples: [
          [
            known(userOf(), {
              lookUps: [
                {
                  runId: EARLIER_RUN,
                  standing: 'absent',
                  seenIn: 'look_up',
                  canary: 'present',
                  at: minutes(-30),
                },
                {
                  runId: THIS_RUN,
                  standing: 'absent',
                  seenIn: 'look_up',
                  canary: 'present',
                  at: minutes(1),
                },
              ],
            }),
          ],
        ],
      },
    );
    expect(gone).toBeGreaterThan(0);
  });

  it('changes no role where the directory names no groups', () => {
    fc.assert(
      fc.property(people, (person) => {
        if (person.member === null || person.member.groups !== null) return true;
        return one(person).kind !== 'change_roles';
      }),
    );
  });

  it('decides about each by themselves: order, company and the order of look-ups do not matter', () => {
    fc.assert(
      fc.property(fc.array(people, { maxLength: 6 }), (crowd) => {
        const together = decide(SNAPSHOT, crowd, POLICY, NOW);
        const turned = crowd
          .map((person) => ({ ...person, lookUps: [...person.lookUps].reverse() }))
          .reverse();
        // Two answers of the same instant have no order of their own.
        const distinct = crowd.every(
          (person) => new Set(person.lookUps.map((l) => l.at)).size === person.lookUps.length,
        );
        if (distinct) {
          expect(decide(SNAPSHOT, turned, POLICY, NOW).reverse()).toEqual(together);
        }
        expect(crowd.map(one)).toEqual(together);
      }),
    );
  });
});
