import { MAX_MATCHED_LENGTH, matches } from '@rollcall/shared/core/pattern';
import {
  mapRoles,
  type RoleInput,
  type RoleMapping,
  type RoleRule,
} from '@rollcall/shared/core/roles';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const ID = '0b1c6e1a-0000-4000-8000-000000000001';
const OTHER = '0b1c6e1a-0000-4000-8000-000000000002';

function rule(role: string, when: Partial<RoleRule['when']>, more: Partial<RoleRule> = {}) {
  return {
    role,
    privileged: false,
    when: { anyGroup: [], allGroups: [], attributes: {}, ...when },
    from: null,
    source: { file: 'rollcall.yaml', line: 1 },
    ...more,
  };
}

const GUARDED = { privileged: true, from: ['acme'] };

function map(
  groups: readonly string[],
  rules: readonly RoleRule[],
  more: Partial<RoleInput> = {},
): Extract<RoleMapping, { kind: 'known' }> {
  const input = { connection: 'acme', groups, aliases: new Map(), attributes: new Map(), ...more };
  const mapping = mapRoles(input, rules, null);
  if (mapping.kind !== 'known') throw new Error('expected known groups');
  return mapping;
}

describe('an alias', () => {
  const aliases = new Map([[ID, 'BI-Admins']]);
  const admin = rule('admin', { anyGroup: ['BI-Admins'] }, GUARDED);
  const byId = rule('admin', { anyGroup: [ID] }, GUARDED);
  const all = rule('admin', { allGroups: ['BI-Admins'] }, GUARDED);
  const glob = rule('viewer', { anyGroup: ['BI-*'] });
  const plain = rule('viewer', { anyGroup: ['BI-Admins'] });

  it.each<[string, RoleRule, string[], boolean]>([
    ['by the alias', admin, [ID], true],
    ['by the id', byId, [ID], true],
    ['by the alias in all_groups', all, [ID], true],
    ['by a group that is called like the alias', admin, ['BI-Admins'], false],
    ['by such a group in all_groups', all, ['BI-Admins'], false],
    ['by such a group beside another id', admin, ['BI-Admins', OTHER], false],
    ['by such a group, for a role that is not privileged', plain, ['BI-Admins'], false],
    ['by a group that is called like the id and more', byId, [`${ID} `], false],
    ['by the alias in another case', admin, ['bi-admins'], false],
    ['by a glob that fits the alias', glob, [ID], true],
    ['by a glob that fits a name of the group itself', glob, ['BI-Other'], true],
  ])('gives the role %s: %#', (_name, given, groups, gives) => {
    expect(map(groups, [given], { aliases }).roles).toEqual(gives ? [given.role] : []);
  });

  it('is told with the reason, beside the id', () => {
    const { because } = map([ID, OTHER], [admin], { aliases });
    expect(because).toEqual([
      expect.objectContaining({ groups: [ID], aliases: [{ group: ID, alias: 'BI-Admins' }] }),
    ]);
  });

  it('counts at its own connection only', () => {
    const other = rule('admin', { anyGroup: ['BI-Admins'] }, { ...GUARDED, from: ['globex'] });
    expect(map([ID], [other], { aliases, connection: 'globex' }).roles).toEqual(['admin']);
    expect(map([ID], [other], { connection: 'globex' }).roles).toEqual([]);
    expect(map([ID], [admin], { aliases, connection: 'globex' }).roles).toEqual([]);
  });

  it('never lets the name of a group alone give a privileged role', () => {
    const names = fc.constantFrom(ID, OTHER, 'BI-Admins', 'bi-admins', 'BI-\u0410dmins', '*', '');
    const chosen = fc.array(names.filter((name) => name !== ID));
    fc.assert(
      fc.property(chosen, (groups) => {
        expect(map(groups, [admin, byId, all], { aliases }).roles).toEqual([]);
      }),
    );
  });
});

describe('an expression', () => {
  it.each<[string, string, boolean]>([
    ['^bi-(eu|us)-', 'bi-eu-sales', true],
    ['^bi-(eu|us)-', 'my-bi-eu-sales', false],
    ['bi', 'a bi b', true],
    ['(?i)^BI$', 'bi', true],
    ['^.$', '\u{1f600}', true],
    ['^\\p{Greek}+$', '\u03b1\u03b2', true],
    ['a$', 'a\n', false],
  ])('%s on %s: %s', (re2, name, expected) => {
    expect(matches(name, { re2 })).toBe(expected);
    expect(map([name], [rule('x', { anyGroup: [{ re2 }] })]).roles).toEqual(expected ? ['x'] : []);
    expect(map([name], [rule('x', { anyGroup: [{ re2 }] }, GUARDED)]).roles).toEqual([]);
  });

  it('takes its time by the length of the name, whatever it is', () => {
    const hostile = [`${'x'.repeat(MAX_MATCHED_LENGTH - 1)}!`];
    const groups = Array.from({ length: 10_000 }, (_, i) => `${'x'.repeat(i % 100)}${i}!`);
    const rules = ['(x+x+)+y', '^(a|a)*b', '(x*)*$y'].map((re2) =>
      rule('x', { anyGroup: [{ re2 }] }),
    );
    const started = performance.now();
    expect(map([...hostile, ...groups], rules).roles).toEqual([]);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('asks nothing of a name that is longer than names are', () => {
    const long = 'x'.repeat(64 * 1024);
    const open = [rule('glob', { anyGroup: ['*'] }), rule('re2', { anyGroup: [{ re2: '.' }] })];
    expect(map([long], open).roles).toEqual([]);
    expect(map([long], [rule('exact', { anyGroup: [long] })]).roles).toEqual(['exact']);
    expect(map([long], []).unmatched).toEqual([long]);
    const titled = [
      rule('title', { attributes: { title: ['x*'] } }),
      rule('same', { attributes: { title: [long] } }),
    ];
    expect(map([], titled, { attributes: new Map([['title', [long]]]) }).roles).toEqual(['same']);
  });
});

describe('values of attributes', () => {
  const attributes = new Map([['title', ['senior analyst', 'x', 'boss']]]);

  it('match by text, by wildcards and by expressions, and are told', () => {
    const given = rule('f', { attributes: { title: ['* analyst', { re2: '^bo' }] } });
    expect(map([], [given], { attributes }).because[0]?.values).toEqual([
      { attribute: 'title', values: ['senior analyst', 'boss'] },
    ]);
  });

  it('give a privileged role by their exact text only', () => {
    const when = { anyGroup: ['A'] };
    const open = rule('f', { ...when, attributes: { title: ['*', { re2: '.' }] } }, GUARDED);
    const exact = rule('f', { ...when, attributes: { title: ['boss'] } }, GUARDED);
    expect(map(['A'], [open], { attributes }).roles).toEqual([]);
    expect(map(['A'], [exact], { attributes }).roles).toEqual(['f']);
  });
});

describe('odd names of groups', () => {
  it.each(['', ' ', '\t', '\u200b', 'BI ', ' BI', '\u0412I', 'B\u0406'])(
    'are groups of their own: %j',
    (name) => {
      const named = [rule('x', { anyGroup: ['BI'] }), rule('y', { allGroups: ['BI'] })];
      expect(map([name], named)).toMatchObject({ roles: [], unmatched: [name] });
    },
  );
});
