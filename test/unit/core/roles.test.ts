import {
  mapRoles,
  type RoleInput,
  type RoleMapping,
  type RoleRule,
} from '@rollcall/shared/core/roles';
import { describe, expect, it } from 'vitest';

type Known = Extract<RoleMapping, { kind: 'known' }>;
let line = 0;

function rule(role: string, when: Partial<RoleRule['when']>, more: Partial<RoleRule> = {}) {
  line += 1;
  return {
    role,
    privileged: false,
    when: { anyGroup: [], allGroups: [], attributes: {}, ...when },
    from: null,
    source: { file: 'rollcall.yaml', line },
    ...more,
  };
}

function person(groups: readonly string[] | null, more: Partial<RoleInput> = {}): RoleInput {
  return { connection: 'acme', groups, aliases: new Map(), attributes: new Map(), ...more };
}

function map(input: RoleInput, rules: readonly RoleRule[], byDefault: string | null = null): Known {
  const mapping = mapRoles(input, rules, byDefault);
  if (mapping.kind !== 'known') throw new Error('expected known groups');
  return mapping;
}

const title = (value: string) => ({ attributes: new Map([['title', [value]]]) });

describe('a rule', () => {
  const any = rule('analyst', { anyGroup: ['BI', 'bi:*'] });
  const all = rule('finance', { allGroups: ['finance', 'staff'] });
  const both = rule('lead', { anyGroup: ['BI'], allGroups: ['staff'] });
  const titled = rule('boss', { attributes: { title: ['boss', 'chief'] } });
  const mixed = rule('vip', { anyGroup: ['BI'], attributes: { title: ['boss'] } });
  const twoAttributes = rule('x', { attributes: { title: ['boss'], site: ['HQ'] } });

  it.each<[string, RoleRule, RoleInput, boolean]>([
    ['any_group by its exact name', any, person(['BI']), true],
    ['any_group by a pattern', any, person(['bi:emea']), true],
    ['any_group in another case', any, person(['bi', 'BI:emea']), false],
    ['any_group without a group', any, person([]), false],
    ['any_group with only a longer name', any, person(['BI-2']), false],
    ['any_group with blanks around', any, person([' BI', 'BI ']), false],
    ['any_group with a look-alike', any, person(['\u0412I']), false],
    ['all_groups with all', all, person(['staff', 'x', 'finance']), true],
    ['all_groups with one missing', all, person(['finance']), false],
    ['all_groups with one missing and a look-alike', all, person(['finance', 'STAFF']), false],
    ['both kinds with both', both, person(['staff', 'BI']), true],
    ['both kinds with any alone', both, person(['BI']), false],
    ['both kinds with all alone', both, person(['staff']), false],
    ['an attribute with a value given', titled, person([], title('chief')), true],
    ['an attribute with another value', titled, person([], title('Boss')), false],
    ['an attribute that is not there', titled, person([]), false],
    [
      'an attribute without values',
      titled,
      person([], { attributes: new Map([['title', []]]) }),
      false,
    ],
    [
      'an attribute with one right value of many',
      titled,
      person([], { attributes: new Map([['title', ['x', 'boss']]]) }),
      true,
    ],
    ['group and attribute, both right', mixed, person(['BI'], title('boss')), true],
    ['group and attribute, the group wrong', mixed, person(['x'], title('boss')), false],
    ['group and attribute, the attribute wrong', mixed, person(['BI'], title('x')), false],
    ['two attributes, one wrong', twoAttributes, person([], title('boss')), false],
  ])('with %s', (_name, given, input, matches) => {
    const mapping = map(input, [given]);
    expect(mapping.roles).toEqual(matches ? [given.role] : []);
    expect(mapping.because).toHaveLength(matches ? 1 : 0);
    expect(mapping.missed).toHaveLength(matches ? 0 : 1);
  });

  it('says what it matched', () => {
    const given = rule('vip', {
      anyGroup: ['b*', 'a'],
      allGroups: ['z', 'a'],
      attributes: { title: ['boss'] },
    });
    expect(map(person(['z', 'a', 'b2', 'b1', 'c', 'a'], title('boss')), [given])).toEqual({
      kind: 'known',
      roles: ['vip'],
      because: [
        {
          role: 'vip',
          rule: given.source,
          groups: ['a', 'b1', 'b2', 'z'],
          aliases: [],
          attributes: ['title'],
          values: [{ attribute: 'title', values: ['boss'] }],
        },
      ],
      missed: [],
      unmatched: ['c'],
      byDefault: false,
    });
  });

  it.each<[string, RoleRule, RoleInput, { because: string; wanted: string[] }]>([
    [
      'no_group_matched',
      any,
      person(['x']),
      { because: 'no_group_matched', wanted: ['BI', 'bi:*'] },
    ],
    ['group_missing', all, person(['staff']), { because: 'group_missing', wanted: ['finance'] }],
    [
      'attribute_mismatch',
      mixed,
      person(['BI']),
      { because: 'attribute_mismatch', wanted: ['title'] },
    ],
    [
      'other_connection',
      rule('analyst', { anyGroup: ['BI'] }, { from: ['globex'] }),
      person(['BI']),
      { because: 'other_connection', wanted: ['globex'] },
    ],
  ])('says why it gave nothing: %s', (_name, given, input, why) => {
    expect(map(input, [given]).missed).toEqual([{ role: given.role, rule: given.source, ...why }]);
  });
});

describe('a privileged rule', () => {
  const admin = (anyGroup: string[], from: string[] | null, allGroups: string[] = []) =>
    rule('admin', { anyGroup, allGroups }, { privileged: true, from });

  it.each<[string, RoleRule, RoleInput, boolean]>([
    ['an exact group of its connection', admin(['Admins'], ['acme']), person(['Admins']), true],
    ['all exact groups', admin([], ['acme'], ['Admins']), person(['Admins']), true],
    ['a group that its pattern would match', admin(['Adm*'], ['acme']), person(['Admins']), false],
    ['a group that ? would match', admin(['Admin?'], ['acme']), person(['Admins']), false],
    ['the pattern as a name, which is exact', admin(['Adm*'], ['acme']), person(['Adm*']), true],
    ['everything', admin(['*'], ['acme']), person(['Admins', 'root']), false],
    ['another connection', admin(['Admins'], ['globex']), person(['Admins']), false],
    ['no connection named', admin(['Admins'], null), person(['Admins']), false],
    ['no connection allowed', admin(['Admins'], []), person(['Admins']), false],
    [
      'a connection whose name is longer',
      admin(['Admins'], ['acme']),
      person(['Admins'], { connection: 'acme-2' }),
      false,
    ],
    ['one of several connections', admin(['Admins'], ['x', 'acme']), person(['Admins']), true],
    ['a look-alike group', admin(['Admins'], ['acme']), person(['\u0410dmins']), false],
    ['a decomposed twin', admin(['Caf\u00e9'], ['acme']), person(['Cafe\u0301']), false],
  ])('with %s', (_name, given, input, gives) => {
    expect(map(input, [given]).roles).toEqual(gives ? ['admin'] : []);
  });
});

describe('groups that are not known', () => {
  const rules = [rule('analyst', { anyGroup: ['*'] }), rule('boss', { attributes: { t: ['1'] } })];

  it.each([null, 'viewer'])('map to nothing known, with the default role %s', (byDefault) => {
    const input = person(null, { attributes: new Map([['t', ['1']]]) });
    expect(mapRoles(input, rules, byDefault)).toEqual({
      kind: 'unknown',
      because: 'groups_missing',
    });
  });

  it('are not the same as none', () => {
    expect(mapRoles(person([]), rules, null)).toMatchObject({ kind: 'known', roles: [] });
  });
});

describe('the default role', () => {
  const rules = [rule('analyst', { anyGroup: ['BI'] })];

  it('is for whoever no rule matches, and for nobody else', () => {
    expect(map(person(['x']), rules, 'viewer')).toMatchObject({
      roles: ['viewer'],
      byDefault: true,
      because: [],
      unmatched: ['x'],
    });
    expect(map(person(['BI']), rules, 'viewer')).toMatchObject({
      roles: ['analyst'],
      byDefault: false,
    });
  });

  it('is no role where there is none', () => {
    expect(map(person(['x']), rules)).toMatchObject({ roles: [], byDefault: false });
    expect(map(person([]), [])).toMatchObject({ roles: [], because: [], missed: [] });
  });
});

describe('names that JavaScript gives a meaning', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'are names like any other: %s',
    (name) => {
      const attributes = JSON.parse(`{${JSON.stringify(name)}: ["yes"]}`) as Record<
        string,
        string[]
      >;
      const given = rule('odd', { attributes });
      expect(map(person([]), [given]).roles).toEqual([]);
      const asserted = person([], { attributes: new Map([[name, ['yes']]]) });
      expect(map(asserted, [given]).roles).toEqual(['odd']);
      expect(map(person([name]), [rule('odd', { anyGroup: [name] })]).roles).toEqual(['odd']);
      expect(map(person([]), [rule('odd', { allGroups: [name] })]).roles).toEqual([]);
    },
  );
});

describe('many groups', () => {
  it('are mapped one by one: ten thousand of them', () => {
    const groups = Array.from({ length: 10_000 }, (_, i) => `group-${i}`);
    const rules = [
      rule('all', { anyGroup: ['group-*'] }),
      rule('one', { anyGroup: ['group-9999'] }),
      rule('none', { anyGroup: ['group-10000'] }),
    ];
    const mapping = map(person(groups), rules);
    expect(mapping.roles).toEqual(['all', 'one']);
    expect(mapping.because[0]?.groups).toHaveLength(10_000);
    expect(mapping.unmatched).toEqual([]);
  });
});
