import { provisioningPolicy } from '@rollcall/jit-auth/provisioning/policy';
import { provision } from '@rollcall/jit-auth/provisioning/provision';
import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import { readConfig } from '@rollcall/shared/config/load';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { PERSISTENT, type ResponseText, writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { openScene, type Scene, START } from '../access/people.ts';

const key = await makeTestKey();
const GLOBEX = toConnectionId('globex');
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await registerConnection(scene.db, GLOBEX, 'https://idp.globex.example', START);
});
afterAll(() => scene.drop());
beforeEach(async () => {
  await scene.pool.query(
    'delete from outbox; delete from sessions; delete from grants; delete from users',
  );
});

type Attributes = Record<string, string | readonly string[]>;

/** Signs somebody in by a real, signed response, as the door does from the verified assertion on. */
async function signIn(
  attributes: Attributes,
  more: Partial<ResponseText> = {},
  changes: Record<string, unknown> = {},
  id = 'acme',
) {
  const connection = testConnection(testIdp(key), { id });
  const browser = await sendBrowser(connection, mapReplayMemory());
  const list = Object.entries({ email: 'ada@acme.example', groups: 'analysts', ...attributes });
  const text = {
    ...browser.answer,
    ...more,
    attributes: list.map(([name, value]): [string, ...string[]] => [name, ...[value].flat()]),
  };
  const xml = signXml(writeResponse(text), 'assertion', { key });
  try {
    const { assertion, begunAt } = await postResponse(browser, xml);
    const config = await configOf(id, changes);
    const [configured] = config.connections;
    if (configured === undefined) throw new Error('no connection');
    const context = {
      db: scene.db,
      policy: provisioningPolicy(config, configured),
      mode: configured.roles,
      provisioning: 'jit' as const,
      vouching: 'directory' as const,
      privilegedRoles: new Set<string>(),
      sessionMaxMs: 60_000,
      clockSkewMs: 60_000,
    };
    return await provision(
      context,
      assertion,
      { reference: 'TEST-000000', begunAt },
      currentTime(),
    );
  } catch (error) {
    if (error instanceof SamlRefusal) return { kind: 'refused' as const, code: error.code };
    throw error;
  }
}

function configOf(id: string, changes: Record<string, unknown>) {
  const connection = {
    id,
    idp: { metadata_url: 'https://idp.example.com' },
    subject: { attribute: 'uid' },
    attributes: { email: 'email', given_name: 'firstName', groups: ['groups'] },
    ...changes,
  };
  const input = {
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    connections: [connection],
    roles: [{ role: 'analyst', when: { any_group: ['analysts'] } }],
  };
  return readConfig(input as unknown as ConfigInput, {});
}

/** Rows of everything that a sign-in writes. */
async function written(): Promise<Record<string, number>> {
  const { rows } = await scene.pool.query(
    `select (select count(*)::int from users) as users, (select count(*)::int from grants) as grants,
            (select count(*)::int from sessions) as sessions, (select count(*)::int from outbox) as outbox`,
  );
  return rows[0];
}
const NOTHING = { users: 0, grants: 0, sessions: 0, outbox: 0 };

describe('subjects that look alike', () => {
  const TWINS: readonly (readonly [string, string])[] = [
    ['NFC and NFD', 'jos\u00e9|jose\u0301'],
    ['Latin and Cyrillic a', 'ada|\u0430da'],
    ['K and the Kelvin sign', 'K1|\u212a1'],
    ['upper and lower case', '00U1|00u1'],
    ['sharp s and ss', 'stra\u00dfe|strasse'],
    ['dotted and dotless i', 'idil|\u0131dil'],
    ['full-width digits', '001|\uff10\uff10\uff11'],
    ['a ligature', 'fish|\ufb01sh'],
  ];

  it.each(TWINS)('are two people: %s', async (_, pair) => {
    const [one = '', two = ''] = pair.split('|');
    const first = await signIn({ uid: one });
    const second = await signIn({ uid: two });
    expect([first, second]).toMatchObject([
      { kind: 'admitted', created: true, user: { subject: one } },
      { kind: 'admitted', created: true, user: { subject: two } },
    ]);
    expect(await signIn({ uid: one })).toMatchObject({ created: false, user: { subject: one } });
    expect(await written()).toMatchObject({ users: 2, sessions: 3 });
  });
});

describe('one e-mail', () => {
  it('from two connections makes two users, whoever comes first', async () => {
    const acme = await signIn({ uid: 'a1' });
    const globex = await signIn({ uid: 'a1' }, {}, {}, 'globex');
    expect([acme, globex]).toMatchObject([{ created: true }, { created: true }]);
    expect(await written()).toMatchObject({ users: 2 });
  });

  it('of two people by one connection makes two users, and may change hands', async () => {
    await signIn({ uid: 'a1' });
    await signIn({ uid: 'a2' });
    await signIn({ uid: 'a1', email: 'new@acme.example' });
    const { rows } = await scene.pool.query('select subject, email from users order by subject');
    expect(rows).toEqual([
      { subject: 'a1', email: 'new@acme.example' },
      { subject: 'a2', email: 'ada@acme.example' },
    ]);
  });
});

describe('a sign-in that is refused leaves nothing but its line in the audit trail', () => {
  /** What else the response says, and the configuration. */
  interface Refused {
    readonly text?: Partial<ResponseText>;
    readonly changes?: Record<string, unknown>;
  }
  const BY_NAME = { subject: { name_id: 'persistent' } };
  const ONLY_ACME = { domains: ['acme.example'] };
  const REFUSED: readonly (readonly [string, string, Attributes, Refused?])[] = [
    ['no subject', 'identity.subject_missing', {}],
    ['an empty subject', 'identity.bad_subject', { uid: '' }],
    ['a padded subject', 'identity.bad_subject', { uid: ' a1' }],
    ['a subject padded with a no-break space', 'identity.bad_subject', { uid: 'a1\u00a0' }],
    ['a subject with a zero-width joiner', 'identity.bad_subject', { uid: 'a\u200d1' }],
    ['a subject of 64 KB', 'identity.bad_subject', { uid: 'a'.repeat(65_536) }],
    ['two subjects', 'identity.subject_ambiguous', { uid: ['a1', 'a2'] }],
    [
      'a transient NameID',
      'identity.transient_subject',
      {},
      { text: { nameIdFormat: TRANSIENT }, changes: BY_NAME },
    ],
    [
      'a padded NameID',
      'identity.bad_subject',
      {},
      { text: { nameId: 'a1 ', nameIdFormat: PERSISTENT }, changes: BY_NAME },
    ],
    [
      'an e-mail outside the domains',
      'identity.email_outside_domains',
      { uid: 'a1', email: 'ada@globex.example' },
      { changes: ONLY_ACME },
    ],
    [
      'an e-mail of two @',
      'identity.email_outside_domains',
      { uid: 'a1', email: 'ada@globex.example@acme.example' },
      { changes: ONLY_ACME },
    ],
    [
      'an e-mail with a final dot',
      'identity.email_outside_domains',
      { uid: 'a1', email: 'ada@acme.example.' },
      { changes: ONLY_ACME },
    ],
    [
      'a name of 64 KB',
      'identity.attribute_too_long',
      { uid: 'a1', firstName: 'A'.repeat(65_536) },
    ],
    [
      'groups that give nothing',
      'access.no_role',
      { uid: 'a1', groups: Array.from({ length: 2_000 }, (_, n) => `g${n}`) },
    ],
    [
      'a group that is a twin of the right one',
      'access.no_role',
      { uid: 'a1', groups: ['\u0430nalysts', 'Analysts', 'analysts\u200b'] },
    ],
  ];

  const cases = REFUSED.map(([name, code, attributes, more]) => ({
    name,
    code,
    attributes,
    ...more,
  }));
  it.each(cases)('$name: $code', async ({ code, attributes, text, changes }) => {
    const before = await audits();
    expect(await signIn(attributes, text, changes)).toMatchObject({ kind: 'refused', code });
    expect(await written()).toEqual(NOTHING);
    const told = (await audits()).slice(before.length);
    expect(told).toMatchObject([{ kind: 'sign_in.refused', reason: code, user_id: null }]);
    // What was refused for its size is not kept by way of the audit trail.
    expect(JSON.stringify(told).length).toBeLessThan(40_000);
  });

  it.each<[string, string, number]>([
    ['10,000 groups', 'saml.too_large', 10_000],
    ['3,000 groups', 'saml.too_many_elements', 3_000],
  ])('%s are refused before anything is believed: %s', async (_, code, count) => {
    const groups = Array.from({ length: count }, (__, n) => `g${n}`);
    expect(await signIn({ uid: 'a1', groups })).toMatchObject({ kind: 'refused', code });
    expect(await written()).toEqual(NOTHING);
  });

  async function audits() {
    const { rows } = await scene.pool.query(
      'select kind, reason, user_id, evidence from audit_events order by id',
    );
    return rows;
  }
});

describe('what is odd and harmless', () => {
  it('lets 2,000 groups, an attribute of 64 KB and one called __proto__ through, and keeps what was asked for', async () => {
    const groups = ['analysts', ...Array.from({ length: 2_000 }, (_, n) => `g${n}`)];
    const odd = JSON.parse('{"__proto__":"polluted","constructor":"x"}') as Attributes;
    const attributes = Object.fromEntries([
      ...Object.entries(odd),
      ['uid', 'a1'],
      ['groups', groups],
      ['notes', 'n'.repeat(65_536)],
    ]);
    Object.defineProperty(attributes, '__proto__', { value: 'polluted', enumerable: true });
    expect(await signIn(attributes)).toMatchObject({ kind: 'admitted', roles: ['analyst'] });
    const { rows } = await scene.pool.query('select groups, attributes from users');
    expect(rows[0].groups).toHaveLength(2_001);
    expect(rows[0].attributes).toEqual({});
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
