import { configFingerprint, directoryFingerprint } from '@rollcall/shared/config/fingerprint';
import { validateConfig } from '@rollcall/shared/config/load';
import { describe, expect, it } from 'vitest';

const DIRECTORY = { type: 'scim', url: 'https://idp.example/scim', token: 'env:TOKEN' };
const CONNECTION = {
  id: 'acme',
  idp: { metadata_url: 'https://idp.example/metadata' },
  subject: { attribute: 'uid' },
  attributes: { groups: ['groups', 'memberOf'] },
  directory: DIRECTORY,
};
const OTHER = { ...CONNECTION, id: 'other' };
const RULES = [
  { role: 'analyst', when: { any_group: ['A', 'B'], attributes: { title: ['x', 'y'] } } },
  { role: 'editor', when: { all_groups: ['C'] } },
];

function fingerprints(
  connection: object,
  config: object = {},
): { config: string; directory: string } {
  const parsed = validateConfig({
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    connections: [{ ...CONNECTION, ...connection }, OTHER],
    roles: RULES,
    ...config,
  });
  const [first] = parsed.connections;
  if (first === undefined) throw new Error('expected a connection');
  return { config: configFingerprint(first, parsed), directory: directoryFingerprint(first) };
}

const before = fingerprints({});

describe('the fingerprint of a configuration', () => {
  it('is a sha-256', () => {
    expect(before.config).toMatch(/^[0-9a-f]{64}$/);
    expect(before.directory).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['the order of rules', {}, { roles: [...RULES].reverse() }],
    [
      'the order of groups',
      {},
      {
        roles: [
          { ...RULES[0], when: { any_group: ['B', 'A'], attributes: { title: ['y', 'x'] } } },
          RULES[1],
        ],
      },
    ],
    ['the order of group attributes', { attributes: { groups: ['memberOf', 'groups'] } }, {}],
    ['where a secret is kept', { directory: { ...DIRECTORY, token: 'env:OTHER' } }, {}],
    [
      'time-outs and page sizes',
      { directory: { ...DIRECTORY, timeout: '30s', page_size: 10 } },
      {},
    ],
    ['the pace of the sweep', { sweep: { every: '1h' } }, {}],
    [
      'rules of another connection',
      {},
      { roles: [...RULES, { role: 'x', when: { any_group: ['X'] }, from: ['other'] }] },
    ],
    ['protection elsewhere', {}, { protect: ['other:1'] }],
  ])('ignores %s', (_what, connection, config) => {
    expect(fingerprints(connection, config)).toEqual(before);
  });

  it.each([
    ['a rule', {}, { roles: RULES.slice(1) }],
    [
      'a group of a rule',
      {},
      { roles: [{ role: 'analyst', when: { any_group: ['A'] } }, RULES[1]] },
    ],
    [
      'a group moving from any to all',
      {},
      { roles: [RULES[0], { role: 'editor', when: { any_group: ['C'] } }] },
    ],
    ['the default role', {}, { default_role: 'guest' }],
    ['protection', {}, { protect: ['acme:1'] }],
    ['the subject', { subject: { attribute: 'other' } }, {}],
    ['the directory id', { directory_id: { attribute: 'id' } }, {}],
    ['group attributes', { attributes: { groups: ['groups'] } }, {}],
    ['how roles are kept', { roles: 'additive' }, {}],
  ])('changes with %s, while the directory stays the same', (_what, connection, config) => {
    const now = fingerprints(connection, config);
    expect(now.config).not.toBe(before.config);
    expect(now.directory).toBe(before.directory);
  });

  it.each([
    ['its address', { ...DIRECTORY, url: 'https://other.example/scim' }],
    ['the group that is let in', { ...DIRECTORY, assignment_group: 'apps' }],
    [
      'its type',
      { type: 'keycloak', url: DIRECTORY.url, realm: 'r', client_id: 'c', client_secret: 'env:S' },
    ],
    ['its absence', { type: 'none' }],
  ])('changes with the directory: %s', (_what, directory) => {
    const now = fingerprints({ directory });
    expect(now.config).not.toBe(before.config);
    expect(now.directory).not.toBe(before.directory);
  });

  it('changes with how often a roster must lack somebody, and with that of no other directory', () => {
    const roster = { type: 'roster', file: '/srv/people.csv', columns: { id: 'id' } };
    const of = (directory: object, misses: number) =>
      fingerprints({ directory, sweep: { misses } }).config;
    expect(of(roster, 2)).not.toBe(of(roster, 4));
    expect(of(DIRECTORY, 2)).toBe(of(DIRECTORY, 4));
  });
});
