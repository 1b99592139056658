import { randomUUID } from 'node:crypto';
import { ConfigError } from '@rollcall/shared/config/issues';
import { validateConfig } from '@rollcall/shared/config/load';
import type { ConfigInput } from '@rollcall/shared/config/types';
import type { Decision } from '@rollcall/shared/core/decision';
import { toUserId } from '@rollcall/shared/core/ids';
import { type BrakeHistory, brake, countPeople } from '@rollcall/sweeper/reconcile/brake';
import { allowedBy, type BrakeLimits } from '@rollcall/sweeper/reconcile/brake-limits';
import { brakeOverAll } from '@rollcall/sweeper/reconcile/brake-over-all';
import { configuredLimits } from '@rollcall/sweeper/sweep/configured-limits';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const NONE = { absence: 0, disabled: 0, roles: 0, returns: 0 };
const QUIET: BrakeHistory = { day: NONE, week: NONE, privilegedPerDay: 0 };

/** What somebody might write who wants to be rid of the brake, or to make it stricter. */
const GOOD = ['0.001%', '0.5%', '1%', '2 %', '5%', '10%', '20%', '33.3%', '50%', undefined];
const BAD = ['0%', '100%', '51%', '-5%', 'off', '', '1e3%', 'NaN%', false, null, 0, 50, [], {}];
const share = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...GOOD) },
  { weight: 1, arbitrary: fc.constantFrom(...BAD) },
);

function configurationWith(limits: readonly unknown[]): BrakeLimits | null {
  const [perRun, perDay, disabled, roles, two, all] = limits.map((one) =>
    one === undefined ? {} : { is: one },
  );
  const given = (key: string, value: object | undefined) =>
    value !== undefined && 'is' in value ? { [key]: value.is } : {};
  const config = {
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    limits: given('all_connections_per_day', all),
    connections: [
      {
        id: 'acme',
        idp: { metadata_url: 'https://idp.example.com/metadata' },
        subject: { name_id: 'persistent' },
        directory: { type: 'scim', url: 'https://idp.example.com/scim/v2', token: 'env:T' },
        sweep: {
          mode: 'auto',
          ...given('two_approvers_above', two),
          limits: {
            ...given('absence_per_run', perRun),
            ...given('absence_per_day', perDay),
            ...given('disabled_per_day', disabled),
            ...given('role_changes_per_run', roles),
          },
        },
      },
    ],
  };
  try {
    const read = validateConfig(config as unknown as ConfigInput);
    const sweep = read.connections[0]?.sweep;
    return sweep == null ? null : configuredLimits(read, sweep);
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

function takes(what: 'absent' | 'disabled' | 'roles', count: number): Decision[] {
  return Array.from({ length: count }, () => {
    const userId = toUserId(randomUUID());
    if (what !== 'roles') return { kind: 'deactivate', userId, reason: what, evidence: 'E1' };
    const change = { roles: [], gain: [], lose: ['analyst'], because: [] };
    return { kind: 'change_roles', userId, reason: 'groups_changed', ...change };
  });
}

it('whatever is written into a configuration that is accepted, the brake holds', () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.array(share, { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 2, max: 300 }),
      fc.constantFrom('absent' as const, 'disabled' as const, 'roles' as const),
      (shares, withAccess, what) => {
        const limits = configurationWith(shares);
        if (limits === null) return;
        accepted += 1;
        for (const [narrow, wide] of [
          [limits.absencePerRun, limits.absencePerDay],
          [limits.absencePerDay, limits.absencePerWeek],
          [limits.rolesPerRun, limits.rolesPerDay],
          [limits.rolesPerDay, limits.rolesPerWeek],
        ] as const) {
          expect(allowedBy(narrow, withAccess)).toBeLessThanOrEqual(allowedBy(wide, withAccess));
        }
        const population = { withAccess, privileged: new Map() };
        // More than three people and a fifth of them: held, and two have to approve it.
        const fifth = Math.max(4, Math.floor(withAccess / 5) + 1);
        const held = brake(takes(what, fifth), QUIET, limits, population);
        expect(held).toMatchObject({ kind: 'held', approvals: 2 });
        // More than half of everybody is never let go over all connections.
        const most = Math.max(16, Math.floor(withAccess / 2) + 1);
        const removing = takes('disabled', 1);
        const overAll = { withAccess, removed: most };
        expect(
          brakeOverAll({ kind: 'go' }, countPeople(removing), overAll, limits, population).kind,
        ).toBe('held');
      },
    ),
    { numRuns: 400, examples: [[['50%', '50%', '50%', '50%', '20%', '50%'], 100, 'disabled']] },
  );
  expect(accepted).toBeGreaterThan(20);
});
