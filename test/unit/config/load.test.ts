import { resolve } from 'node:path';
import { ConfigError } from '@rollcall/shared/config/issues';
import { parseConfig, validateConfig } from '@rollcall/shared/config/load';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { describe, expect, it } from 'vitest';

const SMALLEST = `version: 1
public_url: https://auth.example.com/
session: { keys: [env:SESSION_KEY] }
connections:
  - id: acme
    idp: { metadata_url: https://idp.example/metadata }
    subject: { name_id: persistent }
`;
const ORIGIN = { file: 'rollcall.yaml', env: {}, baseDir: '/etc/rollcall' };

const DEFAULTS = {
  version: 1,
  publicUrl: 'https://auth.example.com',
  listen: { host: '127.0.0.1', port: 3000 },
  database: { url: null },
  redis: { url: null },
  session: { idleMs: 1_800_000, maxMs: 28_800_000, keys: [{ kind: 'env', name: 'SESSION_KEY' }] },
  saml: { signing: [], decryption: [] },
  verification: { threads: null },
  login: { showConnections: true },
  admin: { tokens: [] },
  connections: [
    {
      id: 'acme',
      label: 'acme',
      idp: {
        kind: 'metadata_url',
        url: 'https://idp.example/metadata',
        refreshMs: 3_600_000,
        overlapMs: 86_400_000,
        pins: [],
        allowPrivateAddress: false,
      },
      preset: 'generic',
      subject: { kind: 'name_id', format: 'persistent' },
      directoryId: null,
      attributes: { email: null, givenName: null, familyName: null, groups: [], groupsSplit: null },
      groupAliases: new Map(),
      provisioning: 'jit',
      roles: 'authoritative',
      domains: [],
      signed: 'assertion',
      encryption: 'optional',
      weakAlgorithms: [],
      clockSkewMs: 60_000,
      allowCreate: false,
      forceAuthn: false,
      authnContext: [],
      signRequests: 'auto',
      idpInitiated: false,
      keys: null,
      directory: { type: 'none' },
      sweep: null,
    },
  ],
  roles: [],
  defaultRole: null,
  protect: [],
  retention: {
    runsMs: 400 * 86_400_000,
    lookUpsMs: 90 * 86_400_000,
    snapshotsMs: 7 * 86_400_000,
    deactivatedMs: 30 * 86_400_000,
    scimRequestsMs: 30 * 86_400_000,
  },
  scim: { clientCertificate: null },
  targets: [],
  notify: [],
  limits: { allConnectionsPerDay: { percent: 2 } },
};

const OBJECT: ConfigInput = {
  version: 1,
  public_url: 'https://auth.example.com',
  session: { keys: ['env:SESSION_KEY'] },
  connections: [
    {
      id: 'acme',
      idp: { metadata_url: 'https://idp.example/metadata' },
      subject: { name_id: 'persistent' },
    },
  ],
};

function connectionWith(part: object) {
  const [connection] = OBJECT.connections;
  const parsed = validateConfig({ ...OBJECT, connections: [{ ...connection, ...part }] });
  const [first] = parsed.connections;
  if (first === undefined) throw new Error('expected a connection');
  return first;
}

describe('a small configuration', () => {
  it('is filled with every default', () => {
    expect(parseConfig(SMALLEST, ORIGIN)).toEqual(DEFAULTS);
  });

  it('means the same as an object', () => {
    expect(validateConfig(OBJECT)).toEqual(DEFAULTS);
  });

  it('may begin with a byte order mark and have Windows line ends', () => {
    expect(parseConfig(`\ufeff${SMALLEST.replaceAll('\n', '\r\n')}`, ORIGIN)).toEqual(DEFAULTS);
  });

  it('may share parts through aliases', () => {
    const text = `${SMALLEST}    attributes: { groups: &g [groups] }\nroles: [{ role: a, when: { any_group: *g } }]`;
    expect(parseConfig(text, ORIGIN).roles[0]?.when.anyGroup).toEqual(['groups']);
  });
});

describe('what a connection accepts', () => {
  it('may be weak by name, and encrypted where there is a key', () => {
    const keys = { decryption: ['env:KEY'] };
    expect(connectionWith({ weak_algorithms: ['sha1_signature', 'sha1_digest'] })).toMatchObject({
      weakAlgorithms: ['sha1_signature', 'sha1_digest'],
      signed: 'assertion',
    });
    for (const signed of ['response', 'both']) {
      const weak_algorithms = ['rsa1_5', 'aes_cbc'];
      expect(connectionWith({ weak_algorithms, signed, keys })).toMatchObject({ signed });
    }
    expect(connectionWith({ encryption: 'required', keys }).encryption).toBe('required');
    const [connection] = OBJECT.connections;
    const connections = [{ ...connection, encryption: 'required' }] as ConfigInput['connections'];
    const signing = { signing: ['env:KEY'] };
    const mfa = 'urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken';
    expect(
      connectionWith({
        authn_context: [mfa],
        idp_initiated: true,
        sign_requests: 'always',
        keys: signing,
      }),
    ).toMatchObject({ authnContext: [mfa], idpInitiated: true, signRequests: 'always' });
    const shared = validateConfig({ ...OBJECT, connections, saml: keys });
    expect(shared.connections[0]?.encryption).toBe('required');
  });
});

describe('the environment', () => {
  const env = { DATABASE_URL: 'postgres://u:pw@db/x', REDIS_URL: 'redis://:pw@r' };

  it('fills in the URLs that the file leaves out, as references', () => {
    const config = parseConfig(SMALLEST, { ...ORIGIN, env });
    expect(config.database.url).toEqual({ kind: 'env', name: 'DATABASE_URL' });
    expect(config.redis.url).toEqual({ kind: 'env', name: 'REDIS_URL' });
    expect(JSON.stringify(config)).not.toContain('pw');
  });

  it('does not override the file', () => {
    const text = `${SMALLEST}database: { url: "postgresql://db.example/x" }\nredis: { url: file:redis }`;
    const config = parseConfig(text, { ...ORIGIN, env });
    expect(config.database.url).toEqual({ kind: 'plain', value: 'postgresql://db.example/x' });
    expect(config.redis.url).toEqual({ kind: 'file', path: '/etc/rollcall/redis' });
  });

  it('counts an empty variable as none', () => {
    expect(parseConfig(SMALLEST, { ...ORIGIN, env: { DATABASE_URL: '' } }).database.url).toBeNull();
  });
});

describe('rules', () => {
  it('cite the line on which they begin', () => {
    const text = `${SMALLEST}roles:\n  - role: a\n    when: { any_group: [A] }\n\n  - { role: b, when: { attributes: { t: x } }, from: [acme] }\ndefault_role: guest\nprotect: ["acme:a:b"]\n`;
    const config = parseConfig(text, ORIGIN);
    expect(config.roles).toEqual([
      {
        role: 'a',
        privileged: false,
        when: { anyGroup: ['A'], allGroups: [], attributes: {} },
        from: null,
        source: { file: 'rollcall.yaml', line: 9 },
      },
      {
        role: 'b',
        privileged: false,
        when: { anyGroup: [], allGroups: [], attributes: { t: ['x'] } },
        from: ['acme'],
        source: { file: 'rollcall.yaml', line: 12 },
      },
    ]);
    expect(config.defaultRole).toBe('guest');
    expect(config.protect).toEqual([{ connection: 'acme', subject: 'a:b' }]);
  });

  it('of an object cite their number', () => {
    const rule = { role: 'a', when: { any_group: ['A'] } };
    expect(validateConfig({ ...OBJECT, roles: [rule, rule] }).roles[1]?.source).toEqual({
      file: 'configuration',
      line: 2,
    });
  });
});

describe('presets', () => {
  const claims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';

  it('fill in what is left out', () => {
    const { subject, attributes } = connectionWith({ preset: 'entra', subject: undefined });
    expect(subject).toEqual({
      kind: 'attribute',
      name: 'http://schemas.microsoft.com/identity/claims/objectidentifier',
    });
    expect(attributes).toEqual({
      email: `${claims}emailaddress`,
      givenName: `${claims}givenname`,
      familyName: `${claims}surname`,
      groups: ['http://schemas.microsoft.com/ws/2008/06/identity/claims/groups'],
      groupsSplit: null,
    });
  });

  it('give way to what is written', () => {
    const { subject, attributes } = connectionWith({
      preset: 'entra',
      attributes: { email: 'mail', groups: [] },
    });
    expect(subject).toEqual({ kind: 'name_id', format: 'persistent' });
    expect(attributes).toMatchObject({
      email: 'mail',
      givenName: `${claims}givenname`,
      groups: [],
    });
  });

  it.each(['auth0', 'authentik', 'entra'])('%s needs no subject', (preset) => {
    expect(connectionWith({ preset, subject: undefined }).subject.kind).toBe('attribute');
  });

  it.each([
    'okta',
    'google',
    'adfs',
    'keycloak',
    'onelogin',
    'ping',
    'jumpcloud',
    'aws',
    'generic',
  ])('%s needs a subject and says why', (preset) => {
    const attempt = () => connectionWith({ preset, subject: undefined });
    expect(attempt).toThrow(/^configuration {2}connections\.0\.subject {2}is missing: .{20,}$/);
  });
});

describe('directories and sweeps', () => {
  it('are filled with their defaults', () => {
    const directory = { type: 'scim', url: 'http://localhost:8080/scim/v2/', token: 'env:T' };
    const connection = connectionWith({ directory, sweep: {} });
    expect(connection.directory).toEqual({
      type: 'scim',
      url: 'http://localhost:8080/scim/v2',
      token: { kind: 'env', name: 'T' },
      assignmentGroup: null,
      timeoutMs: 10_000,
      pageSize: 200,
      concurrency: 4,
      requestsPerSecond: null,
    });
    expect(connection.sweep).toEqual({
      everyMs: 900_000,
      mode: 'approve',
      confirmAfterMs: 300_000,
      misses: 4,
      missesApartMs: 86_400_000,
      silence: null,
      planExpiresMs: 86_400_000,
      staleAfter: 3,
      escalateMs: [3_600_000, 14_400_000, 72_000_000],
      twoApproversAbove: { percent: 20 },
      limits: {
        absencePerRun: { percent: 2 },
        absencePerDay: { percent: 5 },
        disabledPerDay: { percent: 10 },
        roleChangesPerRun: { percent: 2 },
      },
    });
  });

  it('take every key', () => {
    const connection = connectionWith({
      directory: {
        type: 'keycloak',
        url: 'https://kc.example/auth',
        realm: 'acme',
        client_id: 'rollcall',
        client_secret: 'file:/run/secrets/kc',
        timeout: '1m',
        concurrency: 1,
        requests_per_second: 20,
      },
      sweep: {
        every: '10s',
        mode: 'auto',
        confirm_after: '1s',
        plan_expires: '1h',
        limits: { absence_per_run: '50%', absence_per_day: '0.5 %' },
      },
    });
    expect(connection.directory).toEqual({
      type: 'keycloak',
      url: 'https://kc.example/auth',
      realm: 'acme',
      clientId: 'rollcall',
      clientSecret: { kind: 'file', path: '/run/secrets/kc' },
      groupNames: 'name',
      timeoutMs: 60_000,
      concurrency: 1,
      requestsPerSecond: 20,
    });
    expect(connection.sweep).toMatchObject({
      everyMs: 10_000,
      mode: 'auto',
      confirmAfterMs: 1_000,
      planExpiresMs: 3_600_000,
      limits: { absencePerRun: { percent: 50 }, absencePerDay: { percent: 0.5 } },
    });
  });
});

describe('silence', () => {
  const silenceOf = (silence: object) =>
    connectionWith({ directory: { type: 'none' }, sweep: { silence } }).sweep?.silence;

  it('needs no directory, and is told two weeks and three days before', () => {
    expect(silenceOf({})).toEqual({ deactivateDays: 90, warnDays: [76, 87] });
    expect(silenceOf({ deactivate: '35d' })).toEqual({ deactivateDays: 35, warnDays: [21, 32] });
    expect(silenceOf({ deactivate: '7d' })).toEqual({ deactivateDays: 7, warnDays: [4] });
    expect(silenceOf({ deactivate: '30d', warn: [] })).toEqual({
      deactivateDays: 30,
      warnDays: [],
    });
    expect(silenceOf({ deactivate: '30d', warn: ['20d', '10d', '10d'] })).toEqual({
      deactivateDays: 30,
      warnDays: [10, 20],
    });
  });

  it.each([{ warn: ['90d'] }, { deactivate: '30d', warn: ['10d', '31d'] }, { deactivate: '12h' }])(
    'is told before it ends: %o',
    (silence) => {
      expect(() => silenceOf(silence)).toThrow(ConfigError);
    },
  );
});

describe('a roster', () => {
  const columns = { id: 'uid' };

  it('has its checksum beside it, and needs no more than an id', () => {
    const sweep = { every: '1h' };
    const file = connectionWith({
      directory: { type: 'roster', file: 'people.csv', columns },
      sweep,
    });
    expect(file.directory).toEqual({
      type: 'roster',
      place: {
        kind: 'file',
        roster: resolve('people.csv'),
        checksum: resolve('people.csv.sha256'),
      },
      token: null,
      format: 'csv',
      delimiter: 'comma',
      columns: { id: 'uid', active: null, groups: null, label: null },
      groupsSplit: ';',
      activeWords: [],
      inactiveWords: [],
      countRequired: true,
      validForMs: 129_600_000,
      maxBytes: 67_108_864,
      timeoutMs: 60_000,
    });
    const url = 'https://partner.example/people.ndjson';
    const address = connectionWith({
      directory: { type: 'roster', url, token: 'env:ROSTER_TOKEN', format: 'ndjson', columns },
    });
    expect(address.directory).toMatchObject({
      place: { kind: 'url', roster: url, checksum: `${url}.sha256` },
      token: { kind: 'env', name: 'ROSTER_TOKEN' },
    });
  });

  it.each([
    {},
    { url: 'https://partner.example/a', file: 'a' },
    { file: 'a', token: 'env:T' },
    { file: 'a', checksum_url: 'https://partner.example/a.sha256' },
    { url: 'https://partner.example/a', checksum_file: 'b' },
    { url: 'https://partner.example/a?sig=secret' },
    { url: 'http://partner.example/a' },
  ])('is at one place only, and no secret is in its address: %o', (place) => {
    expect(() => connectionWith({ directory: { type: 'roster', columns, ...place } })).toThrow(
      ConfigError,
    );
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:3000', { host: '::1', port: 3000 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
    ['auth-1.internal:80', { host: 'auth-1.internal', port: 80 }],
  ])('listens on %s', (listen, expected) => {
    expect(validateConfig({ ...OBJECT, listen }).listen).toEqual(expected);
  });

  it.each([
    '3000',
    ':3000',
    '::1:3000',
    '127.0.0.1',
    '127.0.0.1:65536',
    '999.1.1.1:80',
    'a b:1',
    'http://a:1',
    '[::g]:1',
  ])('does not listen on %s', (listen) => {
    expect(() => validateConfig({ ...OBJECT, listen })).toThrow(/ {2}listen {2}expected host:port/);
  });

  it.each([
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://[::1]:8080',
    'https://a.example:8443',
  ])('is reached under %s', (url) => {
    expect(validateConfig({ ...OBJECT, public_url: url }).publicUrl).toBe(url);
  });

  it.each([
    ['http://auth.example.com', 'must be https'],
    ['http://localhost.example.com', 'must be https'],
    ['http://127.0.0.1.nip.io', 'must be https'],
    ['https://auth.example.com/sso', 'expected no path and no query'],
    ['https://auth.example.com?x', 'expected no path and no query'],
    ['https://auth.example.com/#', 'without a fragment'],
    ['https://user@auth.example.com', 'without credentials'],
    ['ftp://auth.example.com', 'expected an https URL'],
    ['auth.example.com', 'expected an https URL'],
    [' https://auth.example.com', 'expected an https URL'],
    ['https:auth.example.com', 'expected an https URL'],
  ])('is not reached under %s', (url, why) => {
    expect(() => validateConfig({ ...OBJECT, public_url: url })).toThrow(why);
  });
});

describe('an object', () => {
  it.each([
    [undefined, 'configuration  is missing: expected a mapping'],
    [null, 'configuration  expected a mapping, received nothing'],
    [[], 'configuration  expected a mapping, received a list'],
    ['rollcall.yaml', 'configuration  expected a mapping, received text'],
  ])('cannot be %j', (input, message) => {
    expect(() => validateConfig(input)).toThrow(
      new ConfigError([
        {
          file: 'configuration',
          line: null,
          column: null,
          path: '',
          message: message.slice(15),
          code: 'config.wrong_type',
        },
      ]).message,
    );
  });

  it('has an own __proto__ refused, and passes none on', () => {
    const input: unknown = JSON.parse(
      `{"__proto__": {"polluted": true}, ${JSON.stringify(OBJECT).slice(1)}`,
    );
    expect(() => validateConfig(input)).toThrow('a key that is not known');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});
