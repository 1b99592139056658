import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestKey } from '../fixtures/saml/signing-key.ts';
import { findFreePort } from '../integration/start/free-port.ts';
import { launchBrowser } from '../setup/browser.ts';
import { openWorkplace, type RunningService, until, type Workplace } from '../support/service.ts';
import { type Answer, formOf, Visitor } from '../support/visitor.ts';
import { addRealmKey, addSamlClient, firstRealmKey } from './support/saml-clients.ts';
import { type Keycloak, startKeycloak } from './support/server.ts';

const SHOTS = resolve(import.meta.dirname, '../../test-results/keycloak');
const OAEP = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
const OAEP_11 = 'http://www.w3.org/2009/xmlenc11#rsa-oaep';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const GCM = 'http://www.w3.org/2009/xmlenc11#aes256-gcm';

let keycloak: Keycloak;
let workplace: Workplace;
let service: RunningService;
let browser: Browser;
let app: string;

/** Our connections, and how Keycloak's client departs from the usual. */
function clients(certificate: string) {
  const body = certificate.replaceAll(/-----[^-]+-----|\s/g, '');
  const requests = { 'saml.client.signature': 'true', 'saml.signing.certificate': body };
  const documents = { ...requests, 'saml.server.signature': 'true' };
  return {
    front: { ours: 'signed: both', attributes: documents, frontchannelLogout: true },
    back: { ours: 'signed: both', attributes: documents, frontchannelLogout: false },
    again: { ours: 'force_authn: true', attributes: {}, frontchannelLogout: true },
    unasked: { ours: 'sign_requests: never', attributes: requests, frontchannelLogout: true },
    // Left to itself it takes RSA-OAEP of XML Encryption 1.1 with SHA-256.
    unset: {
      ours: 'signed: both, encryption: required',
      attributes: {
        ...documents,
        'saml.encrypt': 'true',
        'saml.encryption.certificate': body,
      },
      frontchannelLogout: true,
    },
    sealed: {
      ours: 'signed: both, encryption: required',
      attributes: {
        ...documents,
        'saml.encrypt': 'true',
        'saml.encryption.certificate': body,
        'saml.encryption.algorithm': GCM,
        'saml.encryption.keyAlgorithm': OAEP,
        'saml.encryption.digestMethod': 'http://www.w3.org/2000/09/xmldsig#sha1',
      },
      frontchannelLogout: true,
    },
  };
}

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true });
  const port = await findFreePort();
  app = `http://localhost:${port}`;
  keycloak = await startKeycloak();
  const own = await makeTestKey();
  const all = Object.entries(clients(own.certificate));
  for (const [connection, { attributes, frontchannelLogout }] of all) {
    await addSamlClient(keycloak, { app, connection, attributes, frontchannelLogout });
  }
  workplace = await openWorkplace({
    SESSION_KEY: 'a session key that is only for tests, 0123456789',
  });
  await writeFile(join(workplace.folder, 'own.pem'), own.key + own.certificate);
  const connections = all.map(
    ([id, { ours }]) => `  - { id: ${id}, ${ours}, subject: { attribute: uid },
      idp: { metadata_url: "${keycloak.metadataUrl}", refresh: 5s, overlap: 5s },
      attributes: { email: email, groups: [groups] } }`,
  );
  await writeFile(
    join(workplace.folder, 'rollcall.yaml'),
    `version: 1
public_url: ${app}
listen: 127.0.0.1:${port}
session: { keys: [env:SESSION_KEY] }
saml: { signing: ["file:own.pem"], decryption: ["file:own.pem"] }
connections:
${connections.join('\n')}
roles:
  - { role: analyst, when: { any_group: [analysts] } }
`,
  );
  const check = await workplace.rollcall('check');
  expect(check.code, check.stdout + check.stderr).toBe(0);
  service = await workplace.start(/listens on/, 'start');
  browser = await launchBrowser();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await workplace?.close();
  await keycloak?.stop();
});

async function logged(what: string): Promise<void> {
  await until(`the log to say ${what}`, 60_000, async () => service.output().includes(what));
}

/** As a browser without scripts; answers with the page that would post. */
async function ask(visitor: Visitor, connection: string): Promise<Answer> {
  const page = await visitor.get(`${app}/saml/${connection}/login?return_to=/session`);
  return page.text.includes('name="password"') ? enterPassword(visitor, page) : page;
}

function enterPassword(visitor: Visitor, page: Answer): Promise<Answer> {
  const { action } = formOf(page);
  return visitor.post(action, { username: 'ada', password: keycloak.password });
}

function deliver(visitor: Visitor, page: Answer): Promise<Answer> {
  const { action, fields } = formOf(page);
  return visitor.postOnce(action, new URLSearchParams(fields));
}

function xmlOf(page: Answer): string {
  return Buffer.from(formOf(page).fields.SAMLResponse ?? '', 'base64').toString('utf8');
}

async function statusOf(visitor: Visitor): Promise<number> {
  return (await visitor.json(`${app}/session`)).status;
}

async function signInWithBrowser(page: Page, connection: string): Promise<void> {
  await page.goto(`${app}/saml/${connection}/login?return_to=/session`);
  await page.locator('#username').fill('ada');
  await page.locator('#password').fill(keycloak.password);
  await page.locator('#kc-login').click();
  await page.waitForURL(`${app}/session`);
}

describe('Keycloak', () => {
  it('asks again for ForceAuthn, though the browser is signed in there', async () => {
    const page = await (await browser.newContext()).newPage();
    await signInWithBrowser(page, 'front');
    await page.goto(`${app}/saml/again/login?return_to=/session`);
    await page.locator('#password').waitFor();
    await page.screenshot({ path: `${SHOTS}/saml-1-asked-again.png` });
    const before = Date.now();
    let posted = '';
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/acs')) {
        posted = new URLSearchParams(request.postData() ?? '').get('SAMLResponse') ?? '';
      }
    });
    await page.locator('#password').fill(keycloak.password);
    await page.locator('#kc-login').click();
    await page.waitForURL(`${app}/session`);
    const xml = Buffer.from(posted, 'base64').toString('utf8');
    const [, instant = ''] = /AuthnInstant="([^"]*)"/.exec(xml) ?? [];
    expect(Date.parse(instant)).toBeGreaterThan(before - 2_000);
    expect(JSON.parse((await page.locator('body').textContent()) ?? '')).toMatchObject({
      user: { connection: 'again', roles: ['analyst'] },
    });
    await page.context().close();
  });

  it('takes our signed requests, and refuses those that are not', async () => {
    const visitor = new Visitor();
    expect((await deliver(visitor, await ask(visitor, 'front'))).status).toBe(303);
    const page = await new Visitor().get(`${app}/saml/unasked/login`);
    expect(page.url).toContain(keycloak.url);
    expect(page.status).toBe(400);
    expect(page.text).not.toContain('name="password"');
  });

  it('encrypts for our key, and both signatures hold', async () => {
    const visitor = new Visitor();
    const page = await ask(visitor, 'sealed');
    const xml = xmlOf(page);
    expect(xml).toContain('EncryptedAssertion');
    expect(xml).toContain(GCM);
    expect(xml).toContain(OAEP);
    expect(xml).not.toContain('ada@acme.example');
    expect((await deliver(visitor, page)).status, service.output().slice(-2_000)).toBe(303);
    expect(JSON.parse((await visitor.json(`${app}/session`)).text)).toMatchObject({
      user: { email: 'ada@acme.example', connection: 'sealed' },
    });
  });

  it('signs in with the encryption that it takes by itself', async () => {
    const visitor = new Visitor();
    const page = await ask(visitor, 'unset');
    const xml = xmlOf(page);
    expect(xml).toContain('EncryptedAssertion');
    for (const name of [OAEP_11, 'http://www.w3.org/2009/xmlenc11#mgf1sha256', SHA256]) {
      expect(xml).toContain(`"${name}"`);
    }
    expect(xml).not.toContain('ada@acme.example');
    expect((await deliver(visitor, page)).status, service.output().slice(-2_000)).toBe(303);
    expect(JSON.parse((await visitor.json(`${app}/session`)).text)).toMatchObject({
      user: { email: 'ada@acme.example', connection: 'unset' },
    });
  });

  it('reads our metadata, with all that it says of encryption', async () => {
    const metadata = await new Visitor().get(`${app}/saml/sealed/metadata`);
    expect(metadata.text).toContain(OAEP_11);
    const read = await fetch(
      `${keycloak.url}/admin/realms/${keycloak.realm}/client-description-converter`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await keycloak.adminToken()}`,
          'content-type': 'application/xml',
        },
        body: metadata.text,
      },
    );
    expect(read.status).toBe(200);
    expect(await read.json()).toMatchObject({
      protocol: 'saml',
      attributes: { 'saml.encrypt': 'true' },
    });
  });

  it('signs out there when somebody signs out here, in a real browser', async () => {
    const page = await (await browser.newContext()).newPage();
    await signInWithBrowser(page, 'front');
    await page.evaluate(() => {
      // Runs in the page: the compiler has no browser's types.
      const { document } = globalThis as unknown as {
        document: { createElement(name: string): never; body: { append(one: unknown): void } };
      };
      const form = document.createElement('form') as {
        method: string;
        action: string;
        submit(): void;
      };
      Object.assign(form, { method: 'post', action: '/logout' });
      document.body.append(form);
      form.submit();
    });
    await page.waitForURL(/\/saml\/front\/logout/);
    await page.screenshot({ path: `${SHOTS}/saml-2-signed-out.png` });
    expect(await page.locator('body').textContent()).toContain('Signed out');
    await page.goto(`${app}/saml/front/login`);
    await page.locator('#password').waitFor();
    await page.context().close();
  });

  it('signs out here when somebody signs out there, by their browser', async () => {
    const page = await (await browser.newContext()).newPage();
    await signInWithBrowser(page, 'front');
    await page.goto(`${keycloak.url}/realms/${keycloak.realm}/protocol/openid-connect/logout`);
    await page.locator('#kc-logout').click();
    await page.getByText('You are logged out').first().waitFor();
    const answer = await page.request.get(`${app}/session`);
    expect(answer.status()).toBe(401);
    await page.context().close();
  });

  it('ends the session here without a browser, where an administrator ends it there', async () => {
    const visitor = new Visitor();
    await deliver(visitor, await ask(visitor, 'back'));
    expect(await statusOf(visitor)).toBe(200);
    const { id } = await keycloak.admin.user('ada');
    await keycloak.admin.request('POST', `/admin/realms/${keycloak.realm}/users/${id}/logout`);
    await until('the session to end', 10_000, async () => (await statusOf(visitor)) === 401);
  });

  it('changes its key while we run: sign-in works before, during and after', async () => {
    const old = await firstRealmKey(keycloak);
    const sign = async () => {
      const visitor = new Visitor();
      const page = await ask(visitor, 'front');
      return {
        visitor,
        page,
        key: /<ds:KeyName>([^<]*)|<dsig:KeyName>([^<]*)/.exec(xmlOf(page))?.[0],
      };
    };
    // Answers of the old key that are on their way when the key changes.
    const [first, late, tooLate] = [await sign(), await sign(), await sign()];
    expect((await deliver(first.visitor, first.page)).status).toBe(303);

    const next = await addRealmKey(keycloak, 1);
    await logged('certificate.announced');
    await next.configure({ priority: '1000' });
    const second = await sign();
    expect(second.key).not.toBe(first.key);
    expect((await deliver(second.visitor, second.page)).status).toBe(303);

    await old.configure({ active: 'false', enabled: 'false' });
    expect((await deliver(late.visitor, late.page)).status).toBe(303);
    await logged('certificate.withdrawn');
    expect(service.output()).not.toContain('saml.signature_invalid');
    // Without RelayState it spends nothing, and the signature is looked at first.
    const { action, fields } = formOf(tooLate.page);
    const probe = new URLSearchParams({ SAMLResponse: fields.SAMLResponse ?? '' });
    await until('the old key to be refused', 60_000, async () => {
      await tooLate.visitor.postOnce(action, probe);
      return service.output().includes('saml.signature_invalid');
    });
    expect((await deliver(tooLate.visitor, tooLate.page)).status).toBe(403);
    const third = await sign();
    expect((await deliver(third.visitor, third.page)).status).toBe(303);
  });
});
