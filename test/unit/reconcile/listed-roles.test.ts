import { mapRoles, type RoleRule } from '@rollcall/shared/core/roles';
import { listedRoles } from '@rollcall/sweeper/reconcile/listed-roles';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACME, POLICY, rule } from './people.ts';

const GROUPS = ['analysts', 'editors', 'cooks', 'bi:1', 'bi:2', 'bi:12', 'admins', 'alias', 'x'];
const PATTERNS = [...GROUPS, 'bi:*', 'bi:?', '*', { re2: '^bi:[0-9]$' }];

const rules: fc.Arbitrary<RoleRule> = fc
  .record({
    role: fc.constantFrom('a', 'b', 'c'),
    privileged: fc.boolean(),
    anyGroup: fc.subarray(PATTERNS, { maxLength: 2 }),
    allGroups: fc.subarray(GROUPS, { maxLength: 2 }),
    attributes: fc.constantFrom({}, {}, {}, { title: ['chef'] }),
    from: fc.constantFrom(null, ['acme'], ['other']),
  })
  .map(({ role, privileged, from, ...when }) => rule(role, '', { privileged, from, when }));

describe('the roles that listed groups give', () => {
  it('are those of the rules, whatever the order, or left to a closer look', () => {
    let told = 0;
    fc.assert(
      fc.property(
        fc.array(rules, { maxLength: 6 }),
        fc.constantFrom(null, 'guest'),
        fc.constantFrom(new Map<string, string>(), new Map([['editors', 'alias']])),
        fc.array(fc.array(fc.constantFrom(...GROUPS), { maxLength: 6 }), { maxLength: 8 }),
        fc.constantFrom(null, 'chef', 'waiter'),
        (someRules, defaultRole, aliases, crowd, title) => {
          const roles = { ...POLICY.roles, rules: someRules, defaultRole, aliases };
          const rolesOf = listedRoles({ ...POLICY, roles });
          const attributes = new Map(title === null ? [] : [['title', [title]]]);
          for (const groups of crowd) {
            const given = rolesOf(groups);
            if (given === null) continue;
            told += 1;
            const input = { connection: ACME, groups, aliases, attributes };
            const mapping = mapRoles(input, someRules, defaultRole);
            expect(mapping).toMatchObject({ kind: 'known', roles: given });
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(told).toBeGreaterThan(1_000);
  });

  it('are left to a closer look where the groups are not known, or attributes are asked for', () => {
    const chef = { anyGroup: ['cooks'], allGroups: [], attributes: { title: ['chef'] } };
    const roles = {
      ...POLICY.roles,
      rules: [rule('analyst', 'analysts'), rule('chef', '', { when: chef })],
    };
    const rolesOf = listedRoles({ ...POLICY, roles });
    expect(rolesOf(null)).toBeNull();
    expect(rolesOf(['cooks', 'analysts'])).toBeNull();
    expect(rolesOf(['analysts', 'waiters'])).toEqual(['analyst']);
    expect(rolesOf([])).toEqual([]);
  });
});
