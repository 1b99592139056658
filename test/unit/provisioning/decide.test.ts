import {
  type AssertedPerson,
  decideProvisioning,
  type Provisioning,
  type ProvisioningPolicy,
  type ProvisioningRefusal,
} from '@rollcall/jit-auth/provisioning/decide';
import { toConnectionId } from '@rollcall/shared/core/ids';
import type { RoleRule } from '@rollcall/shared/core/roles';
import { describe, expect, it } from 'vitest';

const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const EMAIL = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const UNSPECIFIED = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';
const GROUPS_LINK = 'http://schemas.microsoft.com/claims/groups.link';
const GROUPS_LINK_2008 = 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link';

type Attributes = Readonly<Record<string, readonly string[]>>;
type Admission = Extract<Provisioning, { kind: 'admit' }>;

const ADA: Attributes = {
  uid: ['00u1'],
  email: ['ada@acme.example'],
  firstName: ['Ada'],
  lastName: ['Lovelace'],
  groups: ['BI-Analysts'],
};

function person(attributes: Attributes = {}, nameId: Partial<AssertedPerson['nameId']> = {}) {
  const merged = new Map([...Object.entries(ADA), ...Object.entries(attributes)]);
  return {
    nameId: { value: 'persistent-1', format: PERSISTENT, ...nameId },
    attributes: merged as ReadonlyMap<string, readonly string[]>,
  };
}

function without(...names: string[]): AssertedPerson {
  const all = person();
  return { ...all, attributes: new Map([...all.attributes].filter(([n]) => !names.includes(n))) };
}

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

function policy(more: Partial<ProvisioningPolicy> = {}): ProvisioningPolicy {
  return {
    connectionId: toConnectionId('acme'),
    subject: { kind: 'attribute', attribute: 'uid' },
    directoryIdAttribute: null,
    attributes: {
      email: 'email',
      givenName: 'firstName',
      familyName: 'lastName',
      groups: ['groups'],
      groupsSplit: null,
    },
    domains: [],
    groupAliases: new Map(),
    rules: [rule('analyst', { anyGroup: ['BI-Analysts'] })],
    defaultRole: null,
    protectedSubjects: new Set(),
    ...more,
  };
}

function decide(given: AssertedPerson, more: Partial<ProvisioningPolicy> = {}, known = false) {
  return decideProvisioning(given, policy(more), () => known);
}

function admit(...args: Parameters<typeof decide>): Admission {
  const decided = decide(...args);
  if (decided.kind !== 'admit') throw new Error(`expected admission, got ${decided.code}`);
  return decided;
}

const BY_NAME_ID = { subject: { kind: 'name_id' } } as const;
const BY_DIRECTORY = { directoryIdAttribute: 'oid' };
const ACME_ONLY = { domains: ['acme.example', 'ACME.test', 'xn--bcher-kva.example'] };

describe('who is let in', () => {
  it('is named by the subject, and comes with everything that was asserted', () => {
    expect(decide(person({ groups: ['BI-Analysts', 'x', 'BI-Analysts', ''] }))).toEqual({
      kind: 'admit',
      subject: '00u1',
      directoryId: '00u1',
      protected: false,
      profile: { email: 'ada@acme.example', givenName: 'Ada', familyName: 'Lovelace' },
      groups: ['BI-Analysts', 'x'],
      groupsUnknown: null,
      attributes: new Map(),
      mapping: expect.objectContaining({ kind: 'known', roles: ['analyst'], unmatched: ['x'] }),
    });
  });

  it('needs no e-mail and no name', () => {
    expect(admit(without('email', 'firstName', 'lastName')).profile).toEqual({
      email: null,
      givenName: null,
      familyName: null,
    });
    const attributes = {
      email: null,
      givenName: null,
      familyName: null,
      groups: ['groups'],
      groupsSplit: null,
    };
    expect(admit(person(), { attributes }).profile.email).toBeNull();
  });

  it('is never named by the e-mail, nor by the NameID beside a subject attribute', () => {
    const decided = admit(person({}, { value: 'somebody-else', format: EMAIL }));
    expect(decided.subject).toBe('00u1');
  });

  it('keeps the attributes that rules name, and no others', () => {
    const rules = [rule('analyst', { anyGroup: ['BI-Analysts'], attributes: { title: ['boss'] } })];
    const given = person({ title: ['boss', 'x'], secret: ['of no use'] });
    expect(admit(given, { rules }).attributes).toEqual(new Map([['title', ['boss', 'x']]]));
  });
});

interface Refused {
  readonly code: ProvisioningRefusal;
  readonly given: AssertedPerson;
  readonly policy?: Partial<ProvisioningPolicy>;
  /** Who the assertion is about; null where it does not say. */
  readonly subject?: string | null;
  readonly detail?: Record<string, unknown>;
}

const REFUSED: readonly (readonly [string, Refused])[] = [
  [
    'no subject attribute',
    {
      code: 'identity.subject_missing',
      given: without('uid'),
      detail: { expected: 'uid', received: ['email', 'firstName', 'lastName', 'groups'] },
    },
  ],
  [
    'a subject attribute without a value',
    { code: 'identity.subject_missing', given: person({ uid: [] }) },
  ],
  [
    'a subject attribute in another case',
    {
      code: 'identity.subject_missing',
      given: person({ uid: [], UID: ['00u1'] }),
    },
  ],
  [
    'two subjects',
    {
      code: 'identity.subject_ambiguous',
      given: person({ uid: ['00u1', '00u2'] }),
      detail: { expected: 'one value', received: '2 values', attribute: 'uid' },
    },
  ],
  [
    'the same subject twice',
    { code: 'identity.subject_ambiguous', given: person({ uid: ['00u1', '00u1'] }) },
  ],
  ['an empty subject', { code: 'identity.bad_subject', given: person({ uid: [''] }) }],
  [
    'a padded subject',
    {
      code: 'identity.bad_subject',
      given: person({ uid: ['00u1 '] }),
      detail: { expected: 'printable, not padded', received: 'padded' },
    },
  ],
  [
    'a subject that turns direction',
    { code: 'identity.bad_subject', given: person({ uid: ['00\u202eu1'] }) },
  ],
  ['a subject with NUL', { code: 'identity.bad_subject', given: person({ uid: ['00u1\u0000'] }) }],
  [
    'a subject that is too long',
    { code: 'identity.bad_subject', given: person({ uid: ['x'.repeat(257)] }) },
  ],
  [
    'a transient NameID',
    {
      code: 'identity.transient_subject',
      given: person({}, { format: TRANSIENT }),
      policy: BY_NAME_ID,
      detail: { expected: PERSISTENT, received: TRANSIENT },
    },
  ],
  [
    'an e-mail address as NameID',
    {
      code: 'identity.subject_not_persistent',
      given: person({}, { format: EMAIL, value: 'ada@acme.example' }),
      policy: BY_NAME_ID,
      detail: { expected: PERSISTENT, received: EMAIL },
    },
  ],
  [
    'a NameID of no particular format',
    {
      code: 'identity.subject_not_persistent',
      given: person({}, { format: UNSPECIFIED }),
      policy: BY_NAME_ID,
    },
  ],
  [
    'a NameID without a format',
    {
      code: 'identity.subject_not_persistent',
      given: person({}, { format: null }),
      policy: BY_NAME_ID,
      detail: { expected: PERSISTENT, received: 'no format' },
    },
  ],
  [
    'a NameID of almost the right format',
    {
      code: 'identity.subject_not_persistent',
      given: person({}, { format: `${PERSISTENT} ` }),
      policy: BY_NAME_ID,
    },
  ],
  [
    'a padded NameID',
    {
      code: 'identity.bad_subject',
      given: person({}, { value: ' persistent-1' }),
      policy: BY_NAME_ID,
    },
  ],
  [
    'no directory id',
    {
      code: 'identity.directory_id_missing',
      given: person(),
      policy: BY_DIRECTORY,
      subject: '00u1',
      detail: { expected: 'oid', received: '0 values' },
    },
  ],
  [
    'two directory ids',
    {
      code: 'identity.directory_id_missing',
      given: person({ oid: ['a', 'b'] }),
      policy: BY_DIRECTORY,
      subject: '00u1',
      detail: { expected: 'oid', received: '2 values' },
    },
  ],
  [
    'an empty directory id',
    {
      code: 'identity.bad_directory_id',
      given: person({ oid: [''] }),
      policy: BY_DIRECTORY,
      subject: '00u1',
      detail: { expected: 'printable, not padded', received: 'empty' },
    },
  ],
  [
    'a directory id with a control character',
    {
      code: 'identity.bad_directory_id',
      given: person({ oid: ['a\u0007b'] }),
      policy: BY_DIRECTORY,
      subject: '00u1',
    },
  ],
  [
    'an e-mail of another domain',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@globex.example'] }),
      policy: ACME_ONLY,
      subject: '00u1',
      detail: {
        expected: ['acme.example', 'acme.test', 'xn--bcher-kva.example'],
        received: 'globex.example',
      },
    },
  ],
  [
    'an e-mail of a subdomain',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@mail.acme.example'] }),
      policy: ACME_ONLY,
      subject: '00u1',
    },
  ],
  [
    'an e-mail of a domain that only ends alike',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@notacme.example'] }),
      policy: ACME_ONLY,
      subject: '00u1',
    },
  ],
  [
    'an e-mail with the domain before the last @',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@acme.example@globex.example'] }),
      policy: ACME_ONLY,
      subject: '00u1',
    },
  ],
  [
    'an e-mail of a look-alike domain',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@\u0430cme.example'] }),
      policy: ACME_ONLY,
      subject: '00u1',
    },
  ],
  [
    'an e-mail with a blank after the domain',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@acme.example '] }),
      policy: ACME_ONLY,
      subject: '00u1',
    },
  ],
  [
    'an e-mail with a final dot',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['ada@acme.example.'] }),
      policy: ACME_ONLY,
      subject: '00u1',
    },
  ],
  ...[
    ['with two @ that both could mean', 'ada@globex.example@acme.example'],
    ['with an @ in broken quotes', '"ada"@globex.example"@acme.example'],
    ['with nothing before the @', '@acme.example'],
    ['whose domain has a letter that folds to one of ours (Kelvin sign)', 'ada@\u212aacme.example'],
    ['of an international domain in letters', 'ada@b\u00fccher.example'],
  ].map(([name, email]): readonly [string, Refused] => [
    `an e-mail ${name}`,
    {
      code: 'identity.email_outside_domains',
      given: person({ email: [email ?? ''] }),
      policy: { domains: ['acme.example', 'kacme.example', 'xn--bcher-kva.example'] },
      subject: '00u1',
    },
  ]),
  [
    'a name that is none',
    {
      code: 'identity.attribute_too_long',
      given: person({ firstName: ['A'.repeat(1_025)] }),
      subject: '00u1',
      detail: { received: '1025 characters', attribute: 'givenName' },
    },
  ],
  [
    'a domain that is no e-mail',
    {
      code: 'identity.email_outside_domains',
      given: person({ email: ['acme.example'] }),
      policy: ACME_ONLY,
      subject: '00u1',
      detail: {
        expected: ['acme.example', 'acme.test', 'xn--bcher-kva.example'],
        received: 'no e-mail address',
      },
    },
  ],
  [
    'no e-mail where domains are asked for',
    {
      code: 'identity.email_outside_domains',
      given: without('email'),
      policy: ACME_ONLY,
      subject: '00u1',
      detail: {
        expected: ['acme.example', 'acme.test', 'xn--bcher-kva.example'],
        received: 'no e-mail address',
      },
    },
  ],
  [
    'no group that a rule names',
    {
      code: 'access.no_role',
      given: person({ groups: ['Everyone', 'Guests'] }),
      subject: '00u1',
      detail: {
        expected: 'a group that a rule names',
        received: ['Everyone', 'Guests'],
        unmatched: ['Everyone', 'Guests'],
      },
    },
  ],
  [
    'a group claim that is empty',
    {
      code: 'access.no_role',
      given: person({ groups: [] }),
      subject: '00u1',
      detail: { expected: 'a group that a rule names', received: [], unmatched: [] },
    },
  ],
  [
    'a group claim of one empty value',
    { code: 'access.no_role', given: person({ groups: [''] }), subject: '00u1' },
  ],
  [
    'no group claim',
    {
      code: 'access.groups_missing',
      given: without('groups'),
      subject: '00u1',
      detail: { expected: 'one of the attributes groups', received: 'none' },
    },
  ],
];

describe('a newcomer is refused for', () => {
  it.each(REFUSED)('%s', (_name, { code, given, policy: more = {}, subject = null, detail }) => {
    const decided = decide(given, more);
    expect(decided).toMatchObject({ kind: 'refuse', code, subject });
    if (detail !== undefined) expect(decided).toMatchObject({ detail });
  });

  it('something that this table names: every code is in it', () => {
    const codes: Record<ProvisioningRefusal, true> = {
      'identity.subject_missing': true,
      'identity.subject_ambiguous': true,
      'identity.bad_subject': true,
      'identity.transient_subject': true,
      'identity.subject_not_persistent': true,
      'identity.directory_id_missing': true,
      'identity.bad_directory_id': true,
      'identity.email_outside_domains': true,
      'identity.attribute_too_long': true,
      'access.no_role': true,
      'access.groups_missing': true,
    };
    expect(new Set(REFUSED.map(([, { code }]) => code))).toEqual(new Set(Object.keys(codes)));
  });

  it('the first of several faults, and never with a value that cannot be printed', () => {
    const decided = decide(person({ uid: ['\u0007'], email: ['x@globex.example'] }), ACME_ONLY);
    expect(decided).toMatchObject({ code: 'identity.bad_subject' });
    expect(JSON.stringify(decided)).not.toContain('\\u0007');
  });
});

describe('whoever is known', () => {
  const identity = REFUSED.filter(([, { code }]) => code.startsWith('identity.'));

  it.each(identity)('is refused all the same for %s', (_name, { code, given, policy: more }) => {
    expect(decide(given, more, true)).toMatchObject({ kind: 'refuse', code });
  });

  it.each([
    ['no role', person({ groups: ['Everyone'] }), { kind: 'known', roles: [] }],
    ['no groups', without('groups'), { kind: 'unknown', because: 'groups_missing' }],
  ])('is judged with the grants at hand, with %s', (_name, given, mapping) => {
    expect(decide(given, {}, true)).toMatchObject({ kind: 'admit', mapping });
  });

  it('gets no default role for want of a claim: nothing is known, so nothing changes', () => {
    const decided = admit(without('groups'), { defaultRole: 'viewer' }, true);
    expect(decided.mapping).toEqual({ kind: 'unknown', because: 'groups_missing' });
  });

  it('is asked for by exactly the subject', () => {
    const asked: string[] = [];
    decideProvisioning(person({ uid: ['jose\u0301'] }), policy(), (subject) => {
      asked.push(subject);
      return true;
    });
    expect(asked).toEqual(['jose\u0301']);
  });
});

describe('groups', () => {
  const two = { ...policy().attributes, groups: ['groups', 'memberOf'] };
  const none = { ...policy().attributes, groups: [] };
  const titled = [rule('analyst', { attributes: { title: ['analyst'] } })];
  const elsewhere = rule('finance', { anyGroup: ['Finance'] }, { from: ['globex'] });

  it.each<[string, AssertedPerson, Partial<ProvisioningPolicy>, readonly string[] | null]>([
    ['a claim', person(), {}, ['BI-Analysts']],
    ['no claim', without('groups'), {}, null],
    ['an empty claim', person({ groups: [] }), {}, []],
    ['a claim of empty values', person({ groups: ['', ''] }), {}, []],
    ['a claim in another case', person({ groups: [], Groups: ['x'] }), {}, []],
    [
      'two claims',
      person({ memberOf: ['z', 'a'] }),
      { attributes: two },
      ['BI-Analysts', 'a', 'z'],
    ],
    ['one claim of two', person(), { attributes: two }, ['BI-Analysts']],
    ['neither claim of two', without('groups'), { attributes: two }, null],
    ['a link in place of the groups', person({ groups: [], [GROUPS_LINK]: ['u'] }), {}, null],
    ['a link beside some groups', person({ [GROUPS_LINK]: ['https://graph'] }), {}, null],
    ['the older link', person({ [GROUPS_LINK_2008]: ['https://graph'] }), {}, null],
    ['a link without a value', person({ [GROUPS_LINK]: [] }), {}, null],
    ['no claim configured, and a rule that asks for groups', person(), { attributes: none }, null],
    [
      'no claim configured, and rules that ask for none',
      person({ title: ['analyst'] }),
      { attributes: none, rules: titled },
      [],
    ],
    [
      'no claim configured, and only other connections’ rules ask for groups',
      person({ title: ['analyst'] }),
      { attributes: none, rules: [...titled, elsewhere] },
      [],
    ],
    [
      'no claim configured, and a rule for several connections asks for groups',
      person({ title: ['analyst'] }),
      {
        attributes: none,
        rules: [...titled, { ...elsewhere, from: ['globex', 'acme'] }],
      },
      null,
    ],
  ])('are read from %s', (_name, given, more, groups) => {
    expect(admit(given, more, true).groups).toEqual(groups);
    const kind = groups === null ? 'unknown' : 'known';
    expect(admit(given, more, true).mapping.kind).toBe(kind);
  });

  it.each<[string, string | null, string[], string[]]>([
    [
      'joined by commas, where the connection says so',
      ',',
      ['a, b ,,c', ' ', 'd'],
      ['a', 'b', 'c', 'd'],
    ],
    ['joined by something else', '; ', ['a; b;c'], ['a', 'b;c']],
    ['joined by commas, where it says nothing', null, ['a, b', 'CN=a,DC=b'], ['CN=a,DC=b', 'a, b']],
    ['of white space, which are groups of no rule', null, [' ', '\t', ''], ['\t', ' ']],
  ])('are read when they come %s', (_name, groupsSplit, groups, expected) => {
    const attributes = { ...policy().attributes, groupsSplit };
    expect(admit(person({ groups }), { attributes }, true).groups).toEqual(expected);
  });

  it('say why they are not known', () => {
    const linked = person({ groups: ['BI-Analysts'], [GROUPS_LINK]: ['u'] });
    expect(admit(linked, {}, true)).toMatchObject({
      groupsUnknown: 'groups_overflow',
      mapping: { kind: 'unknown', because: 'groups_overflow' },
    });
    expect(admit(without('groups'), {}, true).groupsUnknown).toBe('groups_missing');
    expect(decide(linked)).toMatchObject({
      code: 'access.groups_missing',
      detail: { received: 'a link, because there are too many' },
    });
  });

  it('may be of 64 KB, or carry names that JavaScript gives a meaning', () => {
    const long = 'g'.repeat(64 * 1024);
    const rules = [rule('all', { anyGroup: ['*'] }), rule('odd', { anyGroup: ['__proto__'] })];
    const given = person({ groups: [long, '__proto__', 'constructor'] });
    const decided = admit(
      { ...given, attributes: new Map([...given.attributes, ['__proto__', [long]]]) },
      { rules },
    );
    expect(decided.groups).toEqual(['__proto__', 'constructor', long]);
    expect(decided.mapping).toMatchObject({
      roles: ['all', 'odd'],
      because: [{ groups: ['__proto__', 'constructor'] }, { groups: ['__proto__'] }],
      unmatched: [long],
    });
  });

  it('are not shortened: ten thousand of them', () => {
    const groups = Array.from({ length: 10_000 }, (_, i) => `group ${i}`);
    const rules = [rule('analyst', { anyGroup: ['group 9999'] })];
    const decided = admit(person({ groups }), { rules });
    expect(decided.groups).toHaveLength(10_000);
    expect(decided.mapping).toMatchObject({ roles: ['analyst'] });
  });

  it('that are missing give a newcomer the default role, and stay unknown', () => {
    const decided = admit(without('groups'), { defaultRole: 'viewer' });
    expect(decided.groups).toBeNull();
    expect(decided.mapping).toEqual({
      kind: 'known',
      roles: ['viewer'],
      because: [],
      missed: [],
      unmatched: [],
      byDefault: true,
    });
  });

  it('that match nothing give a newcomer the default role', () => {
    const decided = admit(person({ groups: ['x'] }), { defaultRole: 'viewer' });
    expect(decided.mapping).toMatchObject({ roles: ['viewer'], byDefault: true });
  });
});

describe('domains', () => {
  it.each([
    'ada@acme.example',
    'ada@ACME.Example',
    'ada@acme.test',
    '"a@b"@acme.example',
    'ada@xn--bcher-kva.example',
  ])('let %s in', (email) => {
    expect(admit(person({ email: [email] }), ACME_ONLY).profile.email).toBe(email);
  });

  it('ask nothing where there are none', () => {
    expect(admit(person({ email: ['ada@anywhere.example'] })).subject).toBe('00u1');
  });
});

describe('a persistent NameID', () => {
  it('is the subject and the directory id', () => {
    expect(admit(person(), BY_NAME_ID)).toMatchObject({
      subject: 'persistent-1',
      directoryId: 'persistent-1',
    });
  });
});

describe('a directory id of its own', () => {
  it('is taken from its attribute, byte by byte', () => {
    const decided = admit(person({ oid: ['3F0E-jose\u0301'] }), BY_DIRECTORY);
    expect(decided).toMatchObject({ subject: '00u1', directoryId: '3F0E-jose\u0301' });
  });
});

describe('the protected', () => {
  it.each([
    ['00u1', '00u1', true],
    ['00U1', '00U1', true],
    ['00u1', '00U1', false],
    ['00U1', '00u1', false],
    ['00u1', '00u1 ', false],
    ['00u1', '00u', false],
    ['00u1', '', false],
    ['jos\u00e9', 'jose\u0301', false],
  ])('are those whose subject is listed exactly: %j, listed %j: %s', (uid, listed, expected) => {
    const decided = admit(person({ uid: [uid] }), { protectedSubjects: new Set([listed]) });
    expect(decided.protected).toBe(expected);
  });
});

describe('attributes with names that JavaScript gives a meaning', () => {
  const names = ['__proto__', 'constructor', 'toString'];

  it.each(names)('are attributes like any other: %s', (name) => {
    const wanted = JSON.parse(`{${JSON.stringify(name)}:["yes"]}`) as Record<string, string[]>;
    const rules = [rule('odd', { attributes: wanted })];
    const given = person();
    const asserted = { ...given, attributes: new Map([...given.attributes, [name, ['yes']]]) };
    expect(admit(asserted, { rules })).toMatchObject({
      mapping: { roles: ['odd'] },
      attributes: new Map([[name, ['yes']]]),
    });
    expect(decide(given, { rules })).toMatchObject({ code: 'access.no_role' });
  });

  it.each(names)('are no subject where they are not asserted: %s', (attribute) => {
    const subject = { kind: 'attribute', attribute } as const;
    expect(decide(person(), { subject })).toMatchObject({ code: 'identity.subject_missing' });
  });
});
