import { toUserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { confirmationOf, isConfirmationDue } from '@rollcall/sweeper/reconcile/confirmation';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  grantOf,
  known,
  memberOf,
  minutes,
  POLICY,
  rule,
  SNAPSHOT,
  STARTED,
  userOf,
} from './people.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

describe('when somebody is confirmed again', () => {
  const ids = fc.uuid().map(toUserId);
  const times = fc.integer({ min: 0, max: 2 ** 42 }).map(toEpochMs);

  test('at once where they never were; otherwise within a day, and never within an hour', () => {
    fc.assert(
      fc.property(ids, times, fc.integer({ min: -DAY, max: 3 * DAY }), (id, last, later) => {
        expect(isConfirmationDue(id, null, last)).toBe(true);
        const due = isConfirmationDue(id, last, after(last, later));
        if (later < HOUR) expect(due).toBe(false);
        if (later >= DAY) expect(due).toBe(true);
      }),
    );
  });

  test('once a day and no more, whatever the time between two sweeps', () => {
    const intervals = fc.integer({ min: 60_000, max: 12 * HOUR });
    fc.assert(
      fc.property(ids, times, intervals, (id, start, interval) => {
        const written: EpochMs[] = [];
        for (let now = start; now < start + 10 * DAY; now = after(now, interval)) {
          if (isConfirmationDue(id, written.at(-1) ?? null, now)) written.push(now);
        }
        // The first is in between two moments; from then on it is one for each of them.
        expect(written.length).toBeGreaterThanOrEqual(10);
        expect(written.length).toBeLessThanOrEqual(11);
      }),
      { numRuns: 40 },
    );
  });

  test('by every sweep that comes once a day', () => {
    fc.assert(
      fc.property(ids, times, (id, start) => {
        expect(isConfirmationDue(id, start, after(start, DAY))).toBe(true);
      }),
    );
  });

  test('in even shares of the sweeps of a day', () => {
    // Ids as even as random ones: those of fast-check come from the edges.
    const people = Array.from({ length: 2_000 }, (_, index) => {
      const first = Math.floor(((index + 0.5) / 2_000) * 2 ** 32).toString(16);
      return toUserId(`${first.padStart(8, '0')}-0000-4000-8000-000000000000`);
    });
    const due = (hours: number) => {
      const now = after(STARTED, hours * HOUR);
      return people.filter((id) => isConfirmationDue(id, STARTED, now)).length;
    };
    expect(due(0.9)).toBe(0);
    for (const hours of [1, 3, 6, 12, 18, 24]) {
      expect(Math.abs(due(hours) / people.length - hours / 24)).toBeLessThan(0.05);
    }
  });
});

describe('what a snapshot confirms', () => {
  const listed = (groups: string[] | null, more = {}) => {
    const user = userOf(more);
    const grants = [grantOf(user, 'analyst'), grantOf(user, 'editor')];
    return known(user, { member: memberOf(user, { groups }), grants });
  };

  it('is presence, and the roles that its groups still give, by the rules of today', () => {
    const person = listed(['analysts', 'other']);
    expect(confirmationOf(SNAPSHOT, person, POLICY)).toEqual({
      userId: person.user.id,
      version: 1,
      grants: [
        {
          role: 'analyst',
          because: [expect.objectContaining({ rule: { file: 'rollcall.yaml', line: 1 } })],
        },
      ],
    });
  });

  it.each([
    ['of groups that are not named', listed(null)],
    ['of groups older than those of a sign-in', listed(['analysts'], { groupsSeenAt: minutes(1) })],
  ])('is presence and no role, %s', (_, person) => {
    expect(confirmationOf(SNAPSHOT, person, POLICY)).toMatchObject({ grants: [] });
  });

  it('is no role where only the first sign-in counts, and none seen since', () => {
    const roles = { ...POLICY.roles, mode: 'first_login' as const };
    expect(confirmationOf(SNAPSHOT, listed(['analysts']), { ...POLICY, roles })).toMatchObject({
      grants: [],
    });
    const person = listed(['analysts']);
    const grants = person.grants.map((grant) => ({ ...grant, lastSeenAt: minutes(1) }));
    expect(confirmationOf(SNAPSHOT, { ...person, grants }, POLICY)).toMatchObject({ grants: [] });
  });

  it('is not a role that hangs on an attribute which nobody has told', () => {
    const attributes = { title: ['boss'] };
    const when = { anyGroup: ['analysts'], allGroups: [], attributes };
    const roles = { ...POLICY.roles, rules: [rule('analyst', 'analysts', { when })] };
    expect(confirmationOf(SNAPSHOT, listed(['analysts']), { ...POLICY, roles })).toMatchObject({
      grants: [],
    });
  });

  it.each([
    ['owned by SCIM', { owner: 'scim' as const }],
    ['owned by hand', { owner: 'manual' as const }],
    ['without access', { state: 'deactivated' as const, cause: 'admin' as const }],
    ['confirmed lately', { lastConfirmedAt: minutes(-59) }],
    ['confirmed by something newer', { lastConfirmedAt: minutes(1) }],
  ])('is nothing of whoever is %s', (_, more) => {
    expect(confirmationOf(SNAPSHOT, listed(['analysts'], more), POLICY)).toBeNull();
  });

  it.each(['disabled', 'unassigned'] as const)('is nothing of whoever is %s', (standing) => {
    const user = userOf();
    const person = known(user, { member: memberOf(user, { standing }) });
    expect(confirmationOf(SNAPSHOT, person, POLICY)).toBeNull();
    expect(confirmationOf(SNAPSHOT, known(user), POLICY)).toBeNull();
  });
});
