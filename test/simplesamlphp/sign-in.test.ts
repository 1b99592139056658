import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestKey } from '../fixtures/saml/signing-key.ts';
import { findFreePort } from '../integration/start/free-port.ts';
import { launchBrowser } from '../setup/browser.ts';
import { openWorkplace, type RunningService, until, type Workplace } from '../support/service.ts';
import { type Answer, formOf, Visitor } from '../support/visitor.ts';
import { type SimpleSaml, startSimpleSaml } from './support/server.ts';

const SHOTS = resolve(import.meta.dirname, '../../test-results/simplesamlphp');

/** Connections of ours, and what SimpleSAMLphp is told of each: what it signs and encrypts. */
const CONNECTIONS: Readonly<Record<string, { ours: string; theirs: Record<string, unknown> }>> = {
  assertion: { ours: 'signed: assertion', theirs: { 'saml20.sign.response': false } },
  response: { ours: 'signed: response', theirs: { 'saml20.sign.assertion': false } },
  both: { ours: 'signed: both', theirs: {} },
  again: { ours: 'force_authn: true', theirs: {} },
  asked: { ours: 'sign_requests: always', theirs: { 'validate.authnrequest': true } },
  unasked: { ours: 'sign_requests: never', theirs: { 'validate.authnrequest': true } },
  // It encrypts with AES-CBC and nothing else.
  sealed: {
    ours: 'signed: both, encryption: required, weak_algorithms: [aes_cbc]',
    theirs: { 'assertion.encryption': true },
  },
  strict: { ours: 'signed: both, encryption: required', theirs: { 'assertion.encryption': true } },
  persistent: {
    ours: 'subject: { name_id: persistent }',
    theirs: {
      NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      'simplesaml.nameidattribute': 'uid',
    },
  },
  email: {
    ours: 'subject: { attribute: email }',
    theirs: {
      NameIDFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
      'simplesaml.nameidattribute': 'email',
    },
  },
  transient: { ours: 'subject: { name_id: persistent }', theirs: {} },
};

let idp: SimpleSaml;
let workplace: Workplace;
let service: RunningService;
let app: string;

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true });
  const port = await findFreePort();
  app = `http://localhost:${port}`;
  const own = await makeTestKey();
  const certData = own.certificate.replaceAll(/-----[^-]+-----|\s/g, '');
  const providers = Object.entries(CONNECTIONS).map(([id, { theirs }]) => [
    `${app}/saml/${id}/metadata`,
    {
      AssertionConsumerService: `${app}/saml/${id}/acs`,
      SingleLogoutService: `${app}/saml/${id}/logout`,
      'sign.logout': true,
      'validate.logout': true,
      NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
      certData,
      ...theirs,
    },
  ]);
  idp = await startSimpleSaml(Object.fromEntries(providers));
  workplace = await openWorkplace({
    SESSION_KEY: 'a session key that is only for tests, 0123456789',
  });
  await writeFile(join(workplace.folder, 'idp.xml'), await idp.metadata());
  await writeFile(join(workplace.folder, 'own.pem'), own.key + own.certificate);
  await writeFile(join(workplace.folder, 'rollcall.yaml'), configuration(port));
  const check = await workplace.rollcall('check');
  expect(check.code, check.stdout + check.stderr).toBe(0);
  service = await workplace.start(/listens on/, 'start');
}, 300_000);

afterAll(async () => {
  await workplace?.close();
  await idp?.stop();
});

function configuration(port: number): string {
  const connections = Object.entries(CONNECTIONS).map(
    ([
      id,
      { ours },
    ]) => `  - { id: ${id}, idp: { metadata_file: idp.xml },${ours.includes('subject:') ? '' : ' subject: { attribute: uid },'}
      attributes: { email: email, groups: [groups] }, ${ours} }`,
  );
  return `version: 1
public_url: ${app}
listen: 127.0.0.1:${port}
session: { keys: [env:SESSION_KEY] }
saml: { signing: ["file:own.pem"], decryption: ["file:own.pem"] }
connections:
${connections.join('\n')}
roles:
  - { role: analyst, when: { any_group: [analysts] } }
  - { role: editor, when: { any_group: [editors] } }
`;
}

/** Goes to the provider's form; a session there answers at once, with the form that posts. */
async function ask(visitor: Visitor, connection: string, user = 'ada'): Promise<Answer> {
  const page = await visitor.get(`${app}/saml/${connection}/login?return_to=/session`);
  if (!page.text.includes('name="password"')) return page;
  const { action, fields } = formOf(page);
  return visitor.post(action, { ...fields, username: user, password: idp.password });
}

async function session(visitor: Visitor): Promise<Record<string, unknown>> {
  return JSON.parse((await visitor.json(`${app}/session`)).text);
}

/** Passes on what the provider posts, without following. */
function deliver(visitor: Visitor, page: Answer, to?: string): Promise<Answer> {
  const { action, fields } = formOf(page);
  return visitor.postOnce(to ?? action, new URLSearchParams(fields));
}

/** The log says why; it comes through a pipe, a moment later. */
async function expectRefused(code: string): Promise<void> {
  await until(`a refusal as ${code}`, 10_000, async () => service.output().includes(code));
}

describe('SimpleSAMLphp', () => {
  it('lets somebody in through its own form, in a real browser', async () => {
    const browser: Browser = await launchBrowser();
    try {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${app}/saml/both/login?return_to=/session`);
      await page.locator('#username').fill('ada');
      await page.locator('#password').fill('wrong');
      await page.locator('#submit_button').click();
      await page.getByText('Incorrect username or password').first().waitFor();
      await page.locator('#username').fill('ada');
      await page.locator('#password').fill(idp.password);
      await page.screenshot({ path: join(SHOTS, '1-form.png') });
      await page.locator('#submit_button').click();
      await page.waitForURL(`${app}/session`);
      await page.screenshot({ path: join(SHOTS, '2-signed-in.png') });
      expect(JSON.parse((await page.locator('body').textContent()) ?? '')).toMatchObject({
        user: { subject: 'u-ada', email: 'ada@acme.example', roles: ['analyst', 'editor'] },
      });
    } finally {
      await browser.close();
    }
  });

  it.each(['assertion', 'response', 'both', 'asked', 'sealed'])(
    'signs in by the connection %s',
    async (connection) => {
      const visitor = new Visitor();
      const answer = await deliver(visitor, await ask(visitor, connection));
      expect(answer.status, service.output().slice(-2_000)).toBe(303);
      expect(await session(visitor)).toMatchObject({
        user: { subject: 'u-ada', roles: ['analyst', 'editor'], connection },
      });
    },
  );

  it.each([
    ['persistent', 'u-ada'],
    ['email', 'ada@acme.example'],
  ])('names the person by a NameID or attribute: %s', async (connection, subject) => {
    const visitor = new Visitor();
    expect((await deliver(visitor, await ask(visitor, connection))).status).toBe(303);
    expect(await session(visitor)).toMatchObject({ user: { subject, connection } });
  });

  it('is told that a transient NameID names nobody', async () => {
    const visitor = new Visitor();
    const answer = await deliver(visitor, await ask(visitor, 'transient'));
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('identity.transient_subject');
    await expectRefused('identity.transient_subject');
    expect((await visitor.json(`${app}/session`)).status).toBe(401);
  });

  it('really signed and encrypted what it was told to', async () => {
    const read = async (connection: string) => {
      const { fields } = formOf(await ask(new Visitor(), connection));
      return Buffer.from(fields.SAMLResponse ?? '', 'base64').toString('utf8');
    };
    const count = (xml: string) => xml.split('<ds:Signature ').length - 1;
    expect(count(await read('assertion'))).toBe(1);
    expect(count(await read('response'))).toBe(1);
    expect(count(await read('both'))).toBe(2);
    const sealed = await read('sealed');
    expect(sealed).toContain('EncryptedAssertion');
    expect(sealed).toContain('xmlenc#aes128-cbc');
    expect(sealed).not.toContain('u-ada');
  });

  it('is refused where its cipher is not allowed by name', async () => {
    const visitor = new Visitor();
    const answer = await deliver(visitor, await ask(visitor, 'strict'));
    expect(answer.status).toBe(403);
    await expectRefused('saml.algorithm_not_allowed');
    expect((await visitor.json(`${app}/session`)).status).toBe(401);
  });

  it('takes our signed requests, and refuses those that are not', async () => {
    const page = await new Visitor().get(`${app}/saml/unasked/login`);
    expect(page.url).toContain(idp.url);
    expect(page.text).not.toContain('name="password"');
    expect(await idp.log()).toContain('no signature found on message');
  });

  it('asks again for ForceAuthn though it knows the browser, and says when', async () => {
    const visitor = new Visitor();
    await deliver(visitor, await ask(visitor, 'both'));
    // A plain request is answered without a form.
    const silent = await visitor.get(`${app}/saml/assertion/login`);
    expect(silent.text).toContain('SAMLResponse');
    const asked = await visitor.get(`${app}/saml/again/login`);
    expect(asked.text).toContain('name="password"');
    const { action, fields } = formOf(asked);
    const before = Date.now();
    const page = await visitor.post(action, {
      ...fields,
      username: 'ada',
      password: idp.password,
    });
    const xml = Buffer.from(formOf(page).fields.SAMLResponse ?? '', 'base64').toString('utf8');
    const [, instant = ''] = /AuthnInstant="([^"]*)"/.exec(xml) ?? [];
    expect(Date.parse(instant)).toBeGreaterThanOrEqual(before - 1_000);
    expect((await deliver(visitor, page)).status).toBe(303);
  });

  it('is taken once, by the browser that asked, at the connection that it is for', async () => {
    const visitor = new Visitor();
    const page = await ask(visitor, 'both');
    expect((await deliver(new Visitor(), page)).status).toBe(403);
    await expectRefused('saml.other_browser');
    const second = await ask(visitor, 'both');
    expect((await deliver(visitor, second, `${app}/saml/assertion/acs`)).status).toBe(403);
    expect((await deliver(visitor, second)).status).toBe(303);
    expect((await deliver(visitor, second)).status).toBe(403);
    await expectRefused('saml.request_unknown');
  });

  it('is not believed with another person in it', async () => {
    const visitor = new Visitor();
    const { action, fields } = formOf(await ask(visitor, 'both', 'alan'));
    const xml = Buffer.from(fields.SAMLResponse ?? '', 'base64').toString('utf8');
    const forged = Buffer.from(xml.replaceAll('u-alan', 'u-ada')).toString('base64');
    const form = new URLSearchParams({ ...fields, SAMLResponse: forged });
    expect((await visitor.postOnce(action, form)).status).toBe(403);
    await expectRefused('saml.digest_mismatch');
    expect((await visitor.postOnce(action, new URLSearchParams(fields))).status).toBe(303);
    expect(await session(visitor)).toMatchObject({ user: { subject: 'u-alan' } });
  });

  it('signs out there too when somebody signs out here', async () => {
    const visitor = new Visitor();
    await deliver(visitor, await ask(visitor, 'both'));
    const between = await visitor.post(`${app}/logout`, {});
    const [, onward = ''] = /<a class="button" href="([^"]*)"/.exec(between.text) ?? [];
    expect(onward).toContain(idp.url);
    const page = await visitor.get(onward.replaceAll('&amp;', '&'));
    expect(page.url, page.text.slice(0, 2_000)).toContain(app);
    expect(page.text).toContain('Signed out');
    expect((await visitor.json(`${app}/session`)).status).toBe(401);
    // It asks for the password again.
    const again = await visitor.get(`${app}/saml/both/login`);
    expect(again.text).toContain('name="password"');
  });

  it('signs out here when somebody signs out there', async () => {
    const visitor = new Visitor();
    await deliver(visitor, await ask(visitor, 'both'));
    const stolen = visitor.cookies(app);
    const done = `${idp.url}/logout.php`;
    const start = `${idp.url}/saml2/idp/initSLO.php?RelayState=${encodeURIComponent(done)}`;
    const page = await visitor.get(start);
    expect(page.url, page.text.slice(0, 2_000)).toContain(idp.url);
    expect((await visitor.json(`${app}/session`)).status).toBe(401);
    const copy = await fetch(`${app}/session`, { headers: { cookie: stolen } });
    expect(copy.status).toBe(401);
  });
});
