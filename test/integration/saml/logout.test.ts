import { createPrivateKey, X509Certificate } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Delivery } from '@rollcall/jit-auth/saml/logout/logout-message';
import {
  type LogoutOutcome,
  receiveLogout,
  startLogout,
} from '@rollcall/jit-auth/saml/logout/single-logout';
import type { ReceivedLogout } from '@rollcall/jit-auth/saml/logout/verify-logout';
import type { OwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import { newSecret } from '@rollcall/jit-auth/saml/pending-request';
import type { SamlConnection } from '@rollcall/jit-auth/saml/saml-connection';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { registerConnection } from '@rollcall/shared/db/connections';
import { readSession } from '@rollcall/shared/db/sessions';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type LogoutText,
  type QueryWith,
  SLO_URL,
  signLogout,
  signQuery,
  toLogoutForm,
  writeLogout,
} from '../../fixtures/saml/logout.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { makeTestKey, type TestKey } from '../../fixtures/saml/signing-key.ts';
import { admit, openScene, type Scene, START, signInOf } from '../access/people.ts';

const MINUTE = 60_000;
const DONE_URL = 'https://idp.example.com/done';
const EXAMPLE_IDP = 'https://idp.example.com/slo';

let scene: Scene;
let key: TestKey;
let foreign: TestKey;
let own: TestKey;
let connection: SamlConnection;
let other: SamlConnection;
let memory = mapReplayMemory();

beforeAll(async () => {
  scene = await openScene();
  await registerConnection(scene.db, toConnectionId('other'), 'https://other.example', START);
  [key, foreign, own] = await Promise.all([makeTestKey(), makeTestKey(), makeTestKey()]);
  connection = connect();
  other = connect({}, 'other');
});
afterAll(() => scene.drop());
beforeEach(() => {
  memory = mapReplayMemory();
});

function ownKeys(): OwnKeys {
  const privateKey = createPrivateKey(own.key);
  const certificate = new X509Certificate(own.certificate);
  return { signing: [{ privateKey, privateKeyPem: own.key, certificate }], decryption: [] };
}

function connect(changes: Parameters<typeof testConnection>[1] = {}, id = 'acme'): SamlConnection {
  const idp = testIdp(key, {
    logoutEndpoints: [
      { binding: 'redirect', url: EXAMPLE_IDP, responseUrl: DONE_URL },
      { binding: 'post', url: `${EXAMPLE_IDP}/post`, responseUrl: `${DONE_URL}/post` },
    ],
  });
  return testConnection(idp, { keys: ownKeys(), ...changes, id });
}

const now = () => toEpochMs(Date.now());
const redirect = (query: string): ReceivedLogout => ({ binding: 'redirect', query });
const posted = (form: Record<string, unknown>): ReceivedLogout => ({ binding: 'post', form });

type Binding = 'redirect' | 'post';

/** A message of the identity provider, signed as it would sign it. */
function send(
  binding: Binding,
  text: LogoutText,
  relayState?: string,
  signer: TestKey = key,
): ReceivedLogout {
  const xml = writeLogout(text);
  if (binding === 'post') return posted(toLogoutForm(signLogout(xml, { key: signer }), relayState));
  const state = relayState === undefined ? {} : { relayState };
  return redirect(signQuery(xml, { key: signer, ...state }));
}

function receive(
  message: ReceivedLogout,
  { to = connection, browser = null as string | null } = {},
): Promise<LogoutOutcome> {
  return receiveLogout(message, browser, { connection: to, memory, db: scene.db }, now());
}

let people = 0;

/** Somebody signed in, and how the identity provider names the session. */
async function person(sessionIndex: string | null = 'i1') {
  const name = `person-${people++}`;
  const seconds = Math.floor((Date.now() - START) / 1000) - 30;
  const change = signInOf(name, ['analyst'], seconds);
  const session = { ...change.session, sessionIndex };
  await admit(scene, name, ['analyst'], seconds, { session });
  const live = async () => {
    const limits = { idleMs: 3_600_000, used: false };
    return (await readSession(scene.db, session.id, limits, now())).kind === 'live';
  };
  return { name, live, nameIdXml: `<saml:NameID>${name}</saml:NameID>` };
}

describe.each<Binding>(['redirect', 'post'])('a LogoutRequest by %s', (binding) => {
  it.each([
    ['its index', ['i1'], false],
    ['several indexes', ['i0', 'i1'], false],
    ['no index', [], false],
    ['another index', ['i2'], true],
  ])('ends the session by %s, without any cookie', async (_what, sessionIndexes, stays) => {
    const { nameIdXml, live } = await person();
    const outcome = await receive(send(binding, { nameIdXml, sessionIndexes }));
    expect(outcome).toMatchObject({ kind: 'sessions_ended', sessions: stays ? 0 : 1 });
    expect(await live()).toBe(stays);
  });

  it('is answered by the same binding at ResponseLocation, signed, with RelayState', async () => {
    const { nameIdXml } = await person();
    const id = '_the-request';
    const outcome = await receive(
      send(binding, { id: `${id}-${binding}`, nameIdXml }, 'state & more'),
    );
    if (outcome.kind !== 'sessions_ended' || outcome.answer === null) throw new Error('no answer');
    const read = await readAtIdp(outcome.answer);
    expect(read).toMatchObject({
      to: binding === 'post' ? `${DONE_URL}/post` : DONE_URL,
      relayState: 'state & more',
    });
    expect(read.xml).toContain(`InResponseTo="${id}-${binding}"`);
    expect(read.xml).toContain(`Destination="${read.to}"`);
    expect(read.xml).toContain('status:Success');
  });

  it('is answered without a RelayState that is too long', async () => {
    for (const [state, echoed] of [
      ['x'.repeat(80), true],
      ['x'.repeat(81), false],
      ['\u00e9'.repeat(41), false],
    ] as const) {
      const { nameIdXml } = await person();
      const outcome = await receive(send(binding, { nameIdXml }, state));
      if (outcome.kind !== 'sessions_ended' || outcome.answer === null)
        throw new Error('no answer');
      expect((await readAtIdp(outcome.answer)).relayState).toBe(echoed ? state : null);
    }
  });

  it('is carried out where we have no key, and not answered', async () => {
    const { nameIdXml, live } = await person();
    const keyless = connect({ keys: { signing: [], decryption: [] } });
    const outcome = await receive(send(binding, { nameIdXml }), { to: keyless });
    expect(outcome).toMatchObject({ kind: 'sessions_ended', answer: null });
    expect(await live()).toBe(false);
  });

  it.each<[string, LogoutText, string]>([
    ['another version', { version: '1.1' }, 'saml.version_mismatch'],
    ['another issuer', { issuer: 'https://evil.example' }, 'saml.issuer_mismatch'],
    ['no destination', { destination: null }, 'saml.destination_mismatch'],
    ['another destination', { destination: `${SLO_URL}/` }, 'saml.destination_mismatch'],
    [
      'the destination of another connection',
      { destination: SLO_URL.replace('acme', 'other') },
      'saml.destination_mismatch',
    ],
    ['an old instant', { issueInstant: Date.now() - 12 * MINUTE }, 'saml.too_old'],
    ['an instant ahead', { issueInstant: Date.now() + 3 * MINUTE }, 'saml.issued_in_future'],
    [
      'an encrypted name',
      { nameIdXml: '<saml:EncryptedID><x/></saml:EncryptedID>' },
      'saml.logout_encrypted_id',
    ],
    [
      'two names',
      { nameIdXml: '<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>' },
      'saml.malformed',
    ],
    ['an unknown element', { extraXml: '<saml:Subject/>' }, 'saml.malformed'],
    ['an empty index', { sessionIndexes: [''] }, 'saml.malformed'],
    [
      'a comment in the name',
      { nameIdXml: '<saml:NameID>ad<!-- x -->a</saml:NameID>' },
      'saml.forbidden_markup',
    ],
    [
      'too many tags',
      { extraXml: `<samlp:Extensions>${'<x/>'.repeat(5001)}</samlp:Extensions>` },
      'saml.too_many_elements',
    ],
  ])('with %s is refused', async (_what, text, code) => {
    const { nameIdXml, live } = await person();
    await expect(receive(send(binding, { nameIdXml, ...text }))).rejects.toMatchObject({ code });
    expect(await live()).toBe(true);
  });

  it('without an issuer is refused', async () => {
    // xml-crypto signs behind an Issuer; the redirect binding needs none.
    if (binding === 'post') return expect(() => send('post', { issuer: null })).toThrow();
    await expect(receive(send(binding, { issuer: null }))).rejects.toMatchObject({
      code: 'saml.issuer_mismatch',
    });
  });

  it.each<[string, LogoutText, string]>([
    ['that has expired', { notOnOrAfter: Date.now() - 2 * MINUTE }, 'saml.logout_expired'],
    ['that names nobody', { nameIdXml: '' }, 'saml.name_id_missing'],
    ['that names nobody but a base', { nameIdXml: '<saml:BaseID/>' }, 'saml.name_id_missing'],
  ])('%s ends nothing, and the identity provider is told', async (_what, text, code) => {
    const { nameIdXml, live } = await person();
    const outcome = await receive(send(binding, { nameIdXml, ...text }));
    if (outcome.kind !== 'not_carried_out' || outcome.answer === null) throw new Error('no answer');
    expect(outcome.refusal.code).toBe(code);
    expect((await readAtIdp(outcome.answer)).xml).toContain('status:Requester');
    expect(await live()).toBe(true);
  });

  it('with another key is refused', async () => {
    const { nameIdXml, live } = await person();
    const forged = send(binding, { nameIdXml }, undefined, foreign);
    await expect(receive(forged)).rejects.toMatchObject({ code: 'saml.signature_invalid' });
    expect(await live()).toBe(true);
  });

  it('counts once, also when it comes several times at once', async () => {
    const { nameIdXml } = await person();
    const message = send(binding, { nameIdXml });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => receive(message)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(receive(message)).rejects.toMatchObject({ code: 'saml.logout_replayed' });
  });

  it('for another connection that trusts the same key is worth nothing here', async () => {
    const { nameIdXml, live } = await person();
    const elsewhere = { nameIdXml, destination: SLO_URL.replace('acme', 'other') };
    await expect(receive(send(binding, elsewhere))).rejects.toMatchObject({
      code: 'saml.destination_mismatch',
    });
    const outcome = await receive(send(binding, elsewhere), { to: other });
    expect(outcome).toMatchObject({ kind: 'sessions_ended', sessions: 0 });
    expect(await live()).toBe(true);
  });

  it('too large is refused', async () => {
    const long = `<saml:NameID>${'x'.repeat(300_000)}</saml:NameID>`;
    await expect(receive(send(binding, { nameIdXml: long }))).rejects.toMatchObject({
      code: 'saml.too_large',
    });
  });

  it('as Keycloak sends it is accepted, with its extension', async () => {
    const { name, live } = await person('a7f3::c0ffee');
    const extension =
      '<samlp:Extensions><kckey:KeyInfo xmlns:kckey="urn:keycloak:ext:key:1.0" MessageSigningKeyId="k1"/></samlp:Extensions>';
    const outcome = await receive(
      send(binding, {
        extraXml: extension,
        nameIdXml: `<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">${name}</saml:NameID>`,
        sessionIndexes: ['a7f3::c0ffee'],
        notOnOrAfter: Date.now() + MINUTE,
      }),
    );
    expect(outcome).toMatchObject({ sessions: 1 });
    expect(await live()).toBe(false);
  });
});

describe('the query of the redirect binding', () => {
  const xml = () => writeLogout({});
  const signed = (options: Partial<QueryWith> = {}) => signQuery(xml(), { key, ...options });
  const part = (query: string, name: string) =>
    query.split('&').find((one) => one.startsWith(`${name}=`)) ?? '';
  const without = (query: string, name: string) =>
    query
      .split('&')
      .filter((one) => !one.startsWith(`${name}=`))
      .join('&');

  it('may come in any order', async () => {
    const query = signed({ relayState: 'x' });
    const shuffled = query.split('&').reverse().join('&');
    expect(await receive(redirect(shuffled))).toMatchObject({ kind: 'sessions_ended' });
  });

  it.each<[string, () => string, string]>([
    ['nothing', () => '', 'saml.logout_query_malformed'],
    ['no message', () => without(signed(), 'SAMLRequest'), 'saml.logout_message_missing'],
    [
      'an empty message',
      () => `SAMLRequest=&${without(signed(), 'SAMLRequest')}`,
      'saml.logout_message_missing',
    ],
    ['no signature', () => without(signed(), 'Signature'), 'saml.logout_not_signed'],
    [
      'an empty signature',
      () => `${without(signed(), 'Signature')}&Signature=`,
      'saml.logout_not_signed',
    ],
    ['no algorithm', () => without(signed(), 'SigAlg'), 'saml.logout_not_signed'],
    [
      'neither signature nor algorithm',
      () => part(signed(), 'SAMLRequest'),
      'saml.logout_not_signed',
    ],
    [
      'two messages of a kind',
      () => `${signed()}&${part(signed(), 'SAMLRequest')}`,
      'saml.logout_query_malformed',
    ],
    [
      'both messages',
      () =>
        `${signed()}&${part(signQuery(writeLogout({ name: 'LogoutResponse' }), { key }), 'SAMLResponse')}`,
      'saml.logout_query_malformed',
    ],
    [
      'a forged request under an encoded name beside a signed response',
      () =>
        `${part(signed({ key: foreign }), 'SAMLRequest').replace('SAMLRequest', '%53AMLRequest')}&${signQuery(writeLogout({ name: 'LogoutResponse' }), { key })}`,
      'saml.logout_query_malformed',
    ],
    [
      'an encoded name',
      () => signed().replace('SAMLRequest', '%53AMLRequest'),
      'saml.logout_query_malformed',
    ],
    [
      'a name in another case',
      () => signed().replace('SAMLRequest', 'samlrequest'),
      'saml.logout_query_malformed',
    ],
    [
      'a name with an index',
      () => signed().replace('SAMLRequest', 'SAMLRequest[]'),
      'saml.logout_query_malformed',
    ],
    [
      'two signatures',
      () => `${signed()}&${part(signed(), 'Signature')}`,
      'saml.logout_query_malformed',
    ],
    [
      'two relay states',
      () => `${signed({ relayState: 'x' })}&RelayState=y`,
      'saml.logout_query_malformed',
    ],
    ['another parameter', () => `${signed()}&utm=1`, 'saml.logout_query_malformed'],
    ['an encoding of its own', () => `${signed()}&SAMLEncoding=x`, 'saml.logout_query_malformed'],
    ['an empty part', () => `${signed()}&`, 'saml.logout_query_malformed'],
    ['other separators', () => signed().replaceAll('&', ';'), 'saml.logout_query_malformed'],
    [
      'broken percent-encoding',
      () => `${signed({ relayState: 'x' }).replace('RelayState=x', 'RelayState=%f')}`,
      'saml.logout_query_malformed',
    ],
    [
      'percent-encoding that is no UTF-8',
      () => {
        const query = signQuery(xml(), { key, relayState: 'x' });
        return query.replace('RelayState=x', 'RelayState=%ff');
      },
      'saml.signature_invalid',
    ],
    ['a relay state that was put in', () => `${signed()}&RelayState=y`, 'saml.signature_invalid'],
    [
      'a relay state that was changed',
      () => signed({ relayState: 'x' }).replace('RelayState=x', 'RelayState=y'),
      'saml.signature_invalid',
    ],
    [
      'a relay state that was taken out',
      () => without(signed({ relayState: 'x' }), 'RelayState'),
      'saml.signature_invalid',
    ],
    [
      'the signature of another message',
      () => `${without(signed(), 'Signature')}&${part(signed(), 'Signature')}`,
      'saml.signature_invalid',
    ],
    [
      'the same characters encoded otherwise',
      () => signed().replaceAll('%2B', '%2b').replaceAll('%2F', '%2f').replaceAll('%3A', '%3a'),
      'saml.signature_invalid',
    ],
    [
      'SHA-1',
      () => signed({ algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1', hash: 'sha1' }),
      'saml.algorithm_not_allowed',
    ],
    [
      'MD5',
      () => signed({ algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-md5', hash: 'md5' }),
      'saml.algorithm_not_allowed',
    ],
    [
      'HMAC',
      () => signed({ algorithm: 'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256' }),
      'saml.algorithm_not_allowed',
    ],
    [
      'an algorithm that does not fit',
      () => signed({ algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512' }),
      'saml.signature_invalid',
    ],
    [
      'what is no base64',
      () => signed({ deflated: Buffer.from('x') }).replace(/SAMLRequest=[^&]*/, 'SAMLRequest=!!!'),
      'saml.signature_invalid',
    ],
    [
      'what does not inflate',
      () => signed({ deflated: Buffer.from('this is no deflate') }),
      'saml.logout_not_inflatable',
    ],
    [
      'something behind the end',
      () => signed({ deflated: Buffer.concat([deflateRawSync(xml()), Buffer.from('<more/>')]) }),
      'saml.logout_not_inflatable',
    ],
    [
      'a deflate that is cut off',
      () => signed({ deflated: deflateRawSync(xml()).subarray(0, -20) }),
      'saml.logout_not_inflatable',
    ],
    [
      'a bomb',
      () => signed({ deflated: deflateRawSync(Buffer.alloc(8 * 1024 * 1024, 'x')) }),
      'saml.too_large',
    ],
    ['a very long query', () => `${signed()}&RelayState=${'x'.repeat(17_000)}`, 'saml.too_large'],
    [
      'a request in the place of a response',
      () => signed({ name: 'SAMLResponse' }),
      'saml.logout_query_malformed',
    ],
    [
      'a response in the place of a request',
      () => signQuery(writeLogout({ name: 'LogoutResponse' }), { key, name: 'SAMLRequest' }),
      'saml.logout_query_malformed',
    ],
    [
      'another message',
      () => signQuery(writeLogout({}).replaceAll('LogoutRequest', 'AuthnRequest'), { key }),
      'saml.malformed',
    ],
    [
      'a document type',
      () => signQuery(`<!DOCTYPE x>${writeLogout({})}`, { key }),
      'saml.forbidden_markup',
    ],
    [
      'no XML',
      () => signQuery('{"LogoutRequest":1}', { key, name: 'SAMLRequest' }),
      'saml.not_xml',
    ],
    [
      'XML that is not well-formed',
      () => signQuery(`${writeLogout({})}<x>`, { key }),
      'saml.not_xml',
    ],
    [
      'a signature in the message too',
      () => signQuery(signLogout(writeLogout({}), { key }), { key }),
      'saml.too_many_signatures',
    ],
    [
      'bytes that are no UTF-8',
      () => signed({ deflated: deflateRawSync(Buffer.from([0x3c, 0xff, 0xfe])) }),
      'saml.bad_utf8',
    ],
  ])('with %s is refused', async (_what, query, code) => {
    await expect(receive(redirect(query()))).rejects.toMatchObject({ code });
  });

  it('signed with SHA-1 is accepted only where the connection names it', async () => {
    const sha1 = { algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1', hash: 'sha1' };
    const lax = connect({ weakAlgorithms: ['sha1_signature'] });
    expect(await receive(redirect(signed(sha1)), { to: lax })).toMatchObject({
      kind: 'sessions_ended',
    });
  });

  it('costs little when it is a bomb', async () => {
    const bomb = signed({ deflated: deflateRawSync(Buffer.alloc(11 * 1024 * 1024, 'x')) });
    const before = performance.now();
    await expect(receive(redirect(bomb))).rejects.toMatchObject({ code: 'saml.too_large' });
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe('the form of the POST binding', () => {
  const signed = (text: LogoutText = {}) => signLogout(writeLogout(text), { key });

  it.each<[string, () => Record<string, unknown>, string]>([
    ['nothing', () => ({}), 'saml.logout_message_missing'],
    ['an empty message', () => ({ SAMLRequest: '' }), 'saml.logout_message_missing'],
    [
      'both messages',
      () => ({ ...toLogoutForm(signed()), ...toLogoutForm(signed({ name: 'LogoutResponse' })) }),
      'saml.logout_query_malformed',
    ],
    ['two messages', () => ({ SAMLRequest: [signed(), signed()] }), 'saml.logout_query_malformed'],
    ['no signature', () => toLogoutForm(writeLogout({})), 'saml.logout_not_signed'],
    ['what is no base64', () => ({ SAMLRequest: '<a/>' }), 'saml.bad_base64'],
    [
      'SHA-1',
      () =>
        toLogoutForm(
          signLogout(writeLogout({}), {
            key,
            signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
          }),
        ),
      'saml.algorithm_not_allowed',
    ],
    [
      'a name that was changed',
      () => toLogoutForm(signed().replace('>ada<', '>eve<')),
      'saml.digest_mismatch',
    ],
    [
      'a request in the place of a response',
      () => ({ SAMLResponse: Buffer.from(signed()).toString('base64') }),
      'saml.logout_query_malformed',
    ],
    [
      'the signed request inside a forged one',
      () => toLogoutForm(wrapped(signed(), 'Extensions')),
      'saml.signature_malformed',
    ],
    [
      'the signature moved to a forged request',
      () => toLogoutForm(moved(signed())),
      'saml.reference_mismatch',
    ],
    [
      'a forged request of the same ID around it',
      () => toLogoutForm(sameId(signed())),
      'saml.reference_mismatch',
    ],
  ])('with %s is refused', async (_what, form, code) => {
    await expect(receive(posted(form()))).rejects.toMatchObject({ code });
  });

  it('is not read from the query', async () => {
    // The route hands over the body alone: a query beside it is never looked at.
    expect(await receive(posted(toLogoutForm(signed())))).toMatchObject({ kind: 'sessions_ended' });
  });
});

/** XSW: a forged message that carries the signed one where nobody looks. */
function wrapped(signed: string, inside: string): string {
  const extra = `<samlp:${inside}>${signed}</samlp:${inside}>`;
  return writeLogout({ nameIdXml: '<saml:NameID>eve</saml:NameID>', extraXml: extra });
}

/** XSW: the signature over the original, put into a forged message beside it. */
function moved(signed: string): string {
  const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(signed)?.[0] ?? '';
  const original = signed.replace(signature, '');
  const extra = `${signature}<samlp:Extensions>${original}</samlp:Extensions>`;
  return writeLogout({ nameIdXml: '<saml:NameID>eve</saml:NameID>', extraXml: extra });
}

/** XSW: the forged message takes over the ID, and hides the original. */
function sameId(signed: string): string {
  const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(signed)?.[0] ?? '';
  const id = /ID="([^"]+)"/.exec(signed)?.[1] ?? '';
  const original = signed.replace(signature, '');
  const extra = `${signature}<samlp:Extensions>${original}</samlp:Extensions>`;
  return writeLogout({ id, nameIdXml: '<saml:NameID>eve</saml:NameID>', extraXml: extra });
}

describe('signing out here first', () => {
  const nameId = {
    value: 'ada & "co"\u00e9',
    format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    nameQualifier: 'https://idp.example.com/metadata',
    spNameQualifier: null,
  };

  async function start(to = connection) {
    const browser = newSecret();
    const deps = { connection: to, memory, db: scene.db };
    const delivery = await startLogout({ nameId, sessionIndex: 'i1' }, browser, deps, now());
    if (delivery === null) throw new Error('nothing to send');
    const read = await readAtIdp(delivery);
    const requestId = /ID="([^"]+)"/.exec(read.xml)?.[1] ?? '';
    return { browser, read, requestId };
  }

  it.each(['redirect', 'post'] as const)(
    'asks by %s, in a signed request with the names of the session',
    async (binding) => {
      const endpoints = connection.idp.logoutEndpoints.filter((one) => one.binding === binding);
      const to = { ...connection, idp: { ...connection.idp, logoutEndpoints: endpoints } };
      const { read } = await start(to);
      expect(read).toMatchObject({ to: endpoints[0]?.url, relayState: null });
      expect(read.xml).toContain('>ada &amp; &quot;co&quot;\u00e9</saml:NameID>');
      expect(read.xml).toContain('Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"');
      expect(read.xml).toContain('NameQualifier="https://idp.example.com/metadata"');
      expect(read.xml).not.toContain('SPNameQualifier');
      expect(read.xml).toContain('<samlp:SessionIndex>i1</samlp:SessionIndex>');
      expect(read.xml).toContain(`Destination="${endpoints[0]?.url}"`);
    },
  );

  it.each<[string, () => SamlConnection]>([
    [
      'without an address at the identity provider',
      () => ({ ...connection, idp: { ...connection.idp, logoutEndpoints: [] } }),
    ],
    ['without a key of ours', () => connect({ keys: { signing: [], decryption: [] } })],
  ])('asks nobody %s', async (_what, to) => {
    const deps = { connection: to(), memory, db: scene.db };
    expect(await startLogout({ nameId, sessionIndex: null }, newSecret(), deps, now())).toBeNull();
  });

  describe.each<Binding>(['redirect', 'post'])('and the answer by %s', (binding) => {
    const response = (text: LogoutText) => send(binding, { name: 'LogoutResponse', ...text });
    const status = (outer: string, inner?: string) =>
      `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${outer}">${inner === undefined ? '' : `<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${inner}"/>`}</samlp:StatusCode></samlp:Status>`;

    it.each([
      ['Success', undefined, true],
      ['Success', 'PartialLogout', false],
      ['Responder', 'PartialLogout', false],
      ['Requester', undefined, false],
    ])('%s %s is told as it is', async (outer, inner, complete) => {
      const { browser, requestId } = await start();
      const message = response({ inResponseTo: requestId, status: status(outer, inner) });
      expect(await receive(message, { browser })).toMatchObject({ kind: 'answered', complete });
    });

    it('counts once', async () => {
      const { browser, requestId } = await start();
      const message = response({ inResponseTo: requestId });
      await receive(message, { browser });
      await expect(receive(message, { browser })).rejects.toMatchObject({
        code: 'saml.logout_request_unknown',
      });
    });

    it.each<[string, (requestId: string) => ReceivedLogout, string]>([
      ['to no request', () => response({}), 'saml.logout_request_unknown'],
      [
        'to another request',
        () => response({ inResponseTo: '_other' }),
        'saml.logout_request_unknown',
      ],
      [
        'from another issuer',
        (inResponseTo) => response({ inResponseTo, issuer: 'https://evil.example' }),
        'saml.issuer_mismatch',
      ],
      [
        'to another address',
        (inResponseTo) => response({ inResponseTo, destination: 'https://evil.example' }),
        'saml.destination_mismatch',
      ],
      [
        'of another version',
        (inResponseTo) => response({ inResponseTo, version: '1.1' }),
        'saml.version_mismatch',
      ],
      [
        'that is old',
        (inResponseTo) => response({ inResponseTo, issueInstant: Date.now() - 12 * MINUTE }),
        'saml.too_old',
      ],
      [
        'without a status',
        (inResponseTo) => response({ inResponseTo, status: '' }),
        'saml.malformed',
      ],
      [
        'with another key',
        (inResponseTo) =>
          send(binding, { name: 'LogoutResponse', inResponseTo }, undefined, foreign),
        'saml.signature_invalid',
      ],
    ])('%s is refused, and the right one still counts', async (_what, make, code) => {
      const { browser, requestId } = await start();
      await expect(receive(make(requestId), { browser })).rejects.toMatchObject({ code });
      const right = response({ inResponseTo: requestId });
      expect(await receive(right, { browser })).toMatchObject({ kind: 'answered' });
    });

    it.each([null, newSecret()])('in another browser is refused', async (browser) => {
      const { requestId } = await start();
      const message = response({ inResponseTo: requestId });
      await expect(receive(message, { browser })).rejects.toMatchObject({
        code: 'saml.other_browser',
      });
    });

    it('at another connection is refused', async () => {
      const { browser, requestId } = await start();
      const message = send(binding, {
        name: 'LogoutResponse',
        inResponseTo: requestId,
        destination: SLO_URL.replace('acme', 'other'),
      });
      await expect(receive(message, { to: other, browser })).rejects.toMatchObject({
        code: 'saml.logout_request_unknown',
      });
    });
  });
});

/** What an identity provider makes of a message of ours: it verifies it as we verify theirs. */
async function readAtIdp(delivery: Delivery) {
  const { verifyRedirectQuery } = await import('@rollcall/jit-auth/saml/logout/redirect-query');
  const { verifyPostedMessage } = await import('@rollcall/jit-auth/saml/logout/posted-message');
  const { STRONG } = await import('@rollcall/jit-auth/saml/algorithms');
  const publicKey = new X509Certificate(own.certificate).publicKey;
  const signingKeys = [{ certificate: own.certificate, key: publicKey }];
  const terms = { signingKeys, allowed: STRONG };
  if (delivery.binding === 'redirect') {
    const [to, query] = delivery.url.split('?');
    const { xml, relayState } = verifyRedirectQuery(query ?? '', terms);
    return { to, xml, relayState };
  }
  const encoded = delivery.fields.SAMLRequest ?? delivery.fields.SAMLResponse ?? '';
  const xml = Buffer.from(encoded, 'base64').toString('utf8');
  verifyPostedMessage(xml, terms);
  // And as somebody else does, who knows nothing of this code.
  const { SAML } = await import('@node-saml/node-saml');
  const saml = new SAML({
    callbackUrl: 'https://idp.example.com',
    issuer: 'x',
    idpCert: own.certificate,
    idpIssuer: connection.sp.entityId,
  });
  if (delivery.fields.SAMLRequest !== undefined) {
    await saml.validatePostRequestAsync({ SAMLRequest: encoded });
  }
  return { to: delivery.action, xml, relayState: delivery.fields.RelayState ?? null };
}
