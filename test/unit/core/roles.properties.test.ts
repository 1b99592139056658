import { isOpen, type Pattern } from '@rollcall/shared/core/pattern';
import { mapRoles, type RoleRule } from '@rollcall/shared/core/roles';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const group = fc.constantFrom('BI', 'bi:emea', 'bi:apac', 'finance', 'staff', 'Admins', 'é', '');
const pattern: fc.Arbitrary<Pattern> = fc.oneof(
  group,
  fc.constantFrom('*', 'bi:*', '?I', 'A*s', '**'),
  fc.constantFrom('^bi:(emea|apac)$', 'A', '.*', '^$').map((re2) => ({ re2 })),
);
const aliases = fc
  .array(fc.tuple(group, fc.constantFrom('Admins', 'BI', 'Europe', 'bi:emea')), { maxLength: 2 })
  .map((entries) => new Map(entries));
const connection = fc.constantFrom('acme', 'globex');
const attribute = fc.constantFrom('title', 'site', '__proto__');
const value = fc.constantFrom('boss', 'HQ', '');
const wantedValue = fc.oneof(value, fc.constantFrom('b*', { re2: '^H' }));

const rule: fc.Arbitrary<RoleRule> = fc.record({
  role: fc.constantFrom('analyst', 'admin', 'finance', 'viewer'),
  privileged: fc.boolean(),
  when: fc.record({
    anyGroup: fc.array(pattern, { maxLength: 3 }),
    allGroups: fc.array(group, { maxLength: 2 }),
    attributes: fc
      .array(fc.tuple(attribute, fc.array(wantedValue, { minLength: 1, maxLength: 2 })), {
        maxLength: 2,
      })
      .map((entries) => Object.fromEntries(entries)),
  }),
  from: fc.option(fc.array(connection, { maxLength: 2 })),
  source: fc.record({ file: fc.constant('rollcall.yaml'), line: fc.nat(200) }),
});
const input = fc.record({
  connection,
  groups: fc.array(group, { maxLength: 8 }),
  aliases,
  attributes: fc
    .array(fc.tuple(attribute, fc.array(value, { maxLength: 2 })), { maxLength: 3 })
    .map((entries) => new Map<string, readonly string[]>(entries)),
});
const rules = fc.array(rule, { maxLength: 6 });
const defaultRole = fc.constantFrom(null, 'viewer');

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

/** What no order may change: roles, and what is said of them, without their order. */
function facts(...args: Parameters<typeof mapRoles>) {
  const mapping = mapRoles(...args);
  if (mapping.kind === 'unknown') return mapping;
  const texts = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).sort();
  return { ...mapping, because: texts(mapping.because), missed: texts(mapping.missed) };
}

function rolesOf(...args: Parameters<typeof mapRoles>): readonly string[] {
  const mapping = mapRoles(...args);
  return mapping.kind === 'known' ? mapping.roles : [];
}

/** The rule again, in the words of the documentation, for {@link mapRoles} to agree with. */
function gives(given: RoleRule, person: Parameters<typeof mapRoles>[0]): boolean {
  const groups = person.groups ?? [];
  const { anyGroup, allGroups, attributes } = given.when;
  const fits = (text: string, wanted: Pattern) =>
    text === wanted || (!given.privileged && isOpen(wanted) && asExpression(wanted).test(text));
  const is = (name: string, wanted: Pattern) =>
    [...person.aliases.values()].some((alias) => alias === wanted)
      ? person.aliases.get(name) === wanted
      : name === wanted;
  const fitsGroup = (name: string, wanted: Pattern) =>
    isOpen(wanted)
      ? [name, person.aliases.get(name)].some((one) => one !== undefined && fits(one, wanted))
      : is(name, wanted);
  return [
    given.from === null ? !given.privileged : given.from.includes(person.connection),
    anyGroup.length === 0 || anyGroup.some((one) => groups.some((name) => fitsGroup(name, one))),
    allGroups.every((wanted) => groups.some((name) => is(name, wanted))),
    Object.entries(attributes).every(([name, values]) =>
      (person.attributes.get(name) ?? []).some((one) => values.some((any) => fits(one, any))),
    ),
  ].every(Boolean);
}

function asExpression(pattern: Pattern): RegExp {
  if (typeof pattern !== 'string') return new RegExp(pattern.re2, 'su');
  const text = pattern;
  const literal = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
}

describe('mapRoles', () => {
  it('gives what the rules say, and nothing else', () => {
    fc.assert(
      fc.property(input, rules, (person, given) => {
        const expected = given.filter((one) => gives(one, person)).map((one) => one.role);
        expect(rolesOf(person, given, null)).toEqual([...new Set(expected)].sort());
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not depend on the order of rules, groups and attributes', () => {
    const reordered = fc.tuple(input, rules, defaultRole).chain(([person, given, byDefault]) =>
      fc.tuple(
        fc.constant([person, given, byDefault] as const),
        shuffled(given),
        shuffled(person.groups),
        shuffled([...person.attributes]).map((entries) => new Map(entries)),
      ),
    );
    fc.assert(
      fc.property(reordered, ([[person, given, byDefault], otherRules, groups, attributes]) => {
        const other = { ...person, groups, attributes };
        expect(facts(other, otherRules, byDefault)).toEqual(facts(person, given, byDefault));
      }),
      { numRuns: 1_000 },
    );
  });

  it('says everything once: groups and rules given twice change no role', () => {
    fc.assert(
      fc.property(input, rules, defaultRole, (person, given, byDefault) => {
        const twice = { ...person, groups: [...person.groups, ...person.groups] };
        expect(facts(twice, given, byDefault)).toEqual(facts(person, given, byDefault));
        expect(rolesOf(person, [...given, ...given], byDefault)).toEqual(
          rolesOf(person, given, byDefault),
        );
      }),
    );
  });

  it('takes no role that a rule gave when a group is added', () => {
    fc.assert(
      fc.property(input, rules, group, (person, given, added) => {
        const more = rolesOf({ ...person, groups: [...person.groups, added] }, given, null);
        expect(more).toEqual(expect.arrayContaining([...rolesOf(person, given, null)]));
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives a privileged role by no pattern and by no other connection', () => {
    fc.assert(
      fc.property(input, rules, (person, given) => {
        const guarded = given.map((one) => ({ ...one, privileged: true }));
        for (const { role, rule: source } of known(person, guarded).because) {
          const possible = guarded.filter((one) => one.source === source && one.role === role);
          expect(possible.some((one) => isExact(one, person))).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('knows nothing where the groups are missing, whatever else is asserted', () => {
    fc.assert(
      fc.property(input, rules, defaultRole, (person, given, byDefault) => {
        const mapping = mapRoles({ ...person, groups: null }, given, byDefault);
        expect(mapping).toEqual({ kind: 'unknown', because: 'groups_missing' });
      }),
    );
  });

  it('accounts for each rule once and for each group at most once', () => {
    fc.assert(
      fc.property(input, rules, (person, given) => {
        const mapping = known(person, given);
        expect(mapping.because.length + mapping.missed.length).toBe(given.length);
        for (const name of mapping.unmatched) {
          expect(person.groups).toContain(name);
          expect(mapping.because.some(({ groups }) => groups.includes(name))).toBe(false);
        }
      }),
    );
  });
});

function known(person: Parameters<typeof mapRoles>[0], given: readonly RoleRule[]) {
  const mapping = mapRoles(person, given, null);
  if (mapping.kind !== 'known') throw new Error('expected known groups');
  return mapping;
}

function isExact(one: RoleRule, person: Parameters<typeof mapRoles>[0]): boolean {
  const groups = person.groups ?? [];
  const { anyGroup, allGroups } = one.when;
  const names = groups.flatMap((name) => [name, person.aliases.get(name)]);
  const exact =
    anyGroup.length === 0 || anyGroup.some((n) => typeof n === 'string' && names.includes(n));
  const all = allGroups.every((name) => names.includes(name));
  return exact && all && (one.from ?? []).includes(person.connection);
}
