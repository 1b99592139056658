import { openIdentityProviders } from '@rollcall/jit-auth/connections/identity-providers';
import { hashBrowser, newSecret, rememberRequest } from '@rollcall/jit-auth/saml/pending-request';
import { PostgresReplayMemory } from '@rollcall/jit-auth/saml/postgres-replay-memory';
import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import { serviceProvider } from '@rollcall/jit-auth/saml/saml-connection';
import { openConnections } from '@rollcall/jit-auth/sign-in-connection';
import { raiseDispute } from '@rollcall/jit-auth/verifier-dispute';
import { validateConfig } from '@rollcall/shared/config/load';
import { codeOf } from '@rollcall/shared/core/errors';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { openFoundation } from '@rollcall/shared/engine/foundation';
import { createLog } from '@rollcall/shared/telemetry/log';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyDescriptor, writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import {
  type LogoutText,
  signLogout,
  toLogoutForm,
  writeLogout,
} from '../../fixtures/saml/logout.ts';
import { newId, type ResponseText, writeResponse } from '../../fixtures/saml/response-xml.ts';
import { IDP_ENTITY_ID, PUBLIC_URL, toForm } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { freshDatabase } from '../../setup/database.ts';

const key = await makeTestKey();
const ACME = toConnectionId('acme');
const SP = serviceProvider(PUBLIC_URL, ACME);

describe('two verifiers that disagree', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  // A name of nothing but a blank is one to libxml2; the library of the second drops it.
  const BLANK = { nameId: ' ', assertionId: '_a1' };
  // xmldom takes U+2028 for the end of a line, so that the signature no longer fits.
  const LINE = {
    assertionId: '_a2',
    moreAssertionXml:
      '<saml:AttributeStatement><saml:Attribute Name="x"><saml:AttributeValue>a&#x2028;b' +
      '</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
  };

  test.each([
    ['what they read', BLANK, 'saml.verifiers_disagree'],
    ['whether it is signed', LINE, 'saml.second_verifier_refused'],
  ])('over %s let nobody in, and are audited and alerted on', async (_, text, code) => {
    const reference = newId();
    expect(await world.post(reference, text)).toBe(code);
    const { rows } = await world.database.pool.query(
      'select kind, actor, user_id, connection_id, reason, evidence from audit_events where reference = $1',
      [reference],
    );
    expect(rows).toEqual([
      {
        kind: 'verifiers.disagreed',
        actor: { kind: 'assertion', connection: 'acme', assertionId: text.assertionId },
        user_id: null,
        connection_id: 'acme',
        reason: code,
        evidence: expect.objectContaining({ assertionId: text.assertionId }),
      },
    ]);
    const alerts = world.logged(reference);
    expect(alerts).toMatchObject([
      { level: 'error', event: 'saml.verifiers_disagree', connection: 'acme', code },
    ]);
    expect(await world.users()).toBe(0);
  });

  const LINE_IN_NAME = { nameIdXml: '<saml:NameID>a&#x2028;b</saml:NameID>' };
  const LINE_ELSEWHERE = {
    extraXml: '<samlp:Extensions><x xmlns="urn:x">a&#x2028;b</x></samlp:Extensions>',
  };
  const RESPONSE = {
    name: 'LogoutResponse' as const,
    inResponseTo: '_r',
    status: '<samlp:Status><samlp:StatusCode Value="urn:x:&#x2028;"/></samlp:Status>',
  };

  test.each([
    ['what a LogoutRequest says', LINE_IN_NAME, 'saml.verifiers_disagree', 'logout_request'],
    ['whether it is signed', LINE_ELSEWHERE, 'saml.second_verifier_refused', 'logout_request'],
    ['what a LogoutResponse says', RESPONSE, 'saml.verifiers_disagree', 'logout_response'],
  ])('over %s end no session, and are audited and alerted on', async (_, text, code, kind) => {
    const reference = newId();
    expect(await world.logout(reference, { id: '_message', ...text })).toBe(code);
    const id = kind === 'logout_request' ? 'requestId' : 'responseId';
    const { rows } = await world.database.pool.query(
      'select kind, actor, reason, evidence from audit_events where reference = $1',
      [reference],
    );
    expect(rows).toEqual([
      {
        kind: 'verifiers.disagreed',
        actor: { kind, connection: 'acme', [id]: '_message' },
        reason: code,
        evidence: expect.objectContaining({ [id]: '_message' }),
      },
    ]);
    expect(world.logged(reference)).toMatchObject([
      { level: 'error', event: 'saml.verifiers_disagree', connection: 'acme', code },
    ]);
  });

  test('over a logout message are not what another refusal is', async () => {
    const reference = newId();
    const text = { issuer: 'https://evil.example.com' };
    expect(await world.logout(reference, text)).toBe('saml.issuer_mismatch');
    expect(world.logged(reference)).toEqual([]);
  });

  test('are not what another refusal is', async () => {
    const reference = newId();
    const text = { audience: 'https://evil.example.com' };
    expect(await world.post(reference, text)).toBe('saml.audience_mismatch');
    expect(world.logged(reference)).toEqual([]);
  });

  test('are alerted on, also where the database is away', async () => {
    const reference = newId();
    const refusal = new SamlRefusal('saml.verifiers_disagree', { expected: 1, received: 2 });
    const attempt = { connectionId: ACME, reference, now: toEpochMs(Date.now()) };
    await raiseDispute({ log: world.log, db: await world.closedDatabase() }, refusal, attempt);
    expect(world.logged(reference)).toMatchObject([
      { level: 'error', event: 'saml.verifiers_disagree' },
      { level: 'error', event: 'saml.verifiers_disagree_unrecorded' },
    ]);
  });
});

async function openWorld() {
  const database = await freshDatabase();
  const lines: string[] = [];
  const log = createLog('warn', { write: (line: string) => lines.push(line) });
  const config = validateConfig({
    version: 1,
    public_url: PUBLIC_URL,
    database: { url: 'env:DATABASE_URL' },
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      {
        id: 'acme',
        idp: { metadata: writeMetadata({ keyXml: keyDescriptor(key.certificate) }) },
        subject: { attribute: 'uid' },
      },
    ],
  });
  const env = { DATABASE_URL: database.url };
  const foundation = await openFoundation(config, { stateDir: '', env });
  const { db } = foundation;
  const identityProviders = await openIdentityProviders(config.connections, { db, log });
  const connections = await openConnections(config, foundation, {
    env: {},
    log,
    identityProviders,
  });
  const acme = connections.get('acme');
  if (acme === undefined) throw new Error('no connection');
  const memory = new PostgresReplayMemory(foundation.pool);
  return {
    database,
    log,
    closedDatabase: async () => {
      const another = await openFoundation(config, { stateDir: '', env });
      await another.close();
      return another.db;
    },
    logged: (reference: string) =>
      lines.filter((line) => line.includes(reference)).map((line) => JSON.parse(line)),
    users: async () => (await database.pool.query('select 1 from users')).rows.length,
    /** Posts a response that answers a request of this browser; its code. */
    post: async (reference: string, text: Partial<ResponseText>) => {
      const now = toEpochMs(Date.now());
      const browser = newSecret();
      const requestId = newId();
      const pending = { requestId, connectionId: ACME, browserHash: hashBrowser(browser) };
      const relayState = await rememberRequest(memory, {
        ...pending,
        returnTo: '/',
        createdAt: now,
      });
      const names = { entityId: IDP_ENTITY_ID, acsUrl: SP.acsUrl, audience: SP.entityId };
      const xml = writeResponse({ now, requestId, ...names, assertionId: '_a1', ...text });
      const form = toForm(signXml(xml, 'assertion', { key }), relayState);
      return acme.finish({ form, browser, reference, now }).then(({ kind }) => kind, codeOf);
    },
    /** Posts a logout message; its code, or what it did. */
    logout: (reference: string, text: LogoutText) => {
      const xml = writeLogout({ issuer: IDP_ENTITY_ID, destination: SP.sloUrl, ...text });
      const form = toLogoutForm(signLogout(xml, { key }));
      const received = { binding: 'post' as const, form };
      const brought = { received, browser: null, reference, now: toEpochMs(Date.now()) };
      return acme.receiveLogout(brought).then(({ kind }) => kind, codeOf);
    },
    close: async () => {
      await identityProviders.close();
      await foundation.close();
      await database.drop();
    },
  };
}
