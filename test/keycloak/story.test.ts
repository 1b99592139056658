import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../setup/browser.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { openWorkplace, until, type Workplace } from '../support/service.ts';
import { type Keycloak, startKeycloak } from './support/server.ts';

const SHOTS = resolve(import.meta.dirname, '../../test-results/keycloak');

/**
 * The same story against a real Keycloak: its own login form, its own Admin API,
 * and a `rollcall.yaml` as an operator would write it.
 */
describeOnBothEngines('the story with Keycloak', (engine) => {
  let keycloak: Keycloak;
  let workplace: Workplace;
  let redis: FreshRedis | null = null;
  let browser: Browser;
  let app: string;
  let katherine: Page;
  let ada: Page;

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    const port = await freePort();
    app = `http://localhost:${port}`;
    const names = { spEntityId: `${app}/saml/acme/metadata`, acsUrl: `${app}/saml/acme/acs` };
    keycloak = await startKeycloak(names);
    if (engine === 'redis') redis = await redisOrNull();
    workplace = await openWorkplace({
      SESSION_KEY: 'a session key that is only for tests, 0123456789',
      KEYCLOAK_SECRET: keycloak.clientSecret,
      ...(redis === null ? {} : { REDIS_URL: redis.url }),
    });
    await writeFile(join(workplace.folder, 'rollcall.yaml'), configuration(port));
    const check = await workplace.rollcall('check');
    expect(check.code, check.stdout + check.stderr).toBe(0);
    await workplace.start(/listens on/, 'start');
    browser = await launchBrowser();
    katherine = await (await browser.newContext()).newPage();
    ada = await (await browser.newContext()).newPage();
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    await workplace?.close();
    await redis?.release();
    await keycloak?.stop();
  });

  function configuration(port: number): string {
    return `version: 1
public_url: ${app}
listen: 127.0.0.1:${port}
session: { keys: [env:SESSION_KEY] }
connections:
  - id: acme
    preset: keycloak
    idp: { metadata_url: ${keycloak.metadataUrl} }
    subject: { attribute: uid }
    attributes: { email: email, given_name: firstName, family_name: lastName, groups: [groups] }
    directory: { type: keycloak, url: ${keycloak.url}, realm: ${keycloak.realm}, client_id: ${keycloak.clientId}, client_secret: env:KEYCLOAK_SECRET }
    sweep: { every: 10s, mode: auto, confirm_after: 2s }
roles:
  - { role: analyst, when: { any_group: [analysts] } }
  - { role: editor, when: { any_group: [editors] } }
`;
  }

  async function signIn(page: Page, username: string): Promise<void> {
    await page.goto(`${app}/login`);
    await page.locator('#username').fill(username);
    await page.locator('#password').fill(keycloak.password);
    await page.screenshot({ path: `${SHOTS}/${engine}-1-login-${username}.png` });
    await page.locator('#kc-login').click();
    await page.waitForURL(`${app}/**`);
  }

  async function sessionOf(page: Page): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await page.request.get(`${app}/session`, {
      headers: { accept: 'application/json' },
    });
    return { status: answer.status(), body: await answer.json() };
  }

  it("lets people in through Keycloak's own form and maps their groups", async () => {
    await signIn(katherine, 'katherine');
    expect(await sessionOf(katherine)).toMatchObject({
      status: 200,
      body: { user: { email: 'katherine@acme.example', roles: ['analyst'], connection: 'acme' } },
    });
    await signIn(ada, 'ada');
    expect(await sessionOf(ada)).toMatchObject({
      body: { user: { roles: ['analyst', 'editor'] } },
    });
    await ada.screenshot({ path: `${SHOTS}/${engine}-2-signed-in.png` });
  });

  it('refuses whoever has no group that gives a role', async () => {
    const page = await (await browser.newContext()).newPage();
    await signIn(page, 'hedy');
    await page.getByTestId('code').waitFor();
    expect(await page.getByTestId('code').textContent()).toMatch(
      /^access\.(no_role|groups_missing)$/,
    );
    await page.screenshot({ path: `${SHOTS}/${engine}-3-no-role.png` });
  });

  it('ends the session of whoever is disabled, at the next sweep', async () => {
    await keycloak.admin.setEnabled('katherine', false);
    await until(
      'the session to end',
      60_000,
      async () => (await sessionOf(katherine)).status === 401,
    );
    expect(await sessionOf(katherine)).toMatchObject({
      body: { code: 'session.access_ended', detail: expect.stringContaining('disabled') },
    });
    expect(await sessionOf(ada)).toMatchObject({ status: 200 });
  });

  it('takes the role of a group that somebody left', async () => {
    await keycloak.admin.leaveGroup('ada', '/editors');
    await until('the role to go', 60_000, async () => {
      const { body } = await sessionOf(ada);
      return JSON.stringify(body).includes('"roles":["analyst"]');
    });
  });

  it('ends the session of whoever is deleted, after a second look', async () => {
    await keycloak.admin.removeUser('ada');
    await until('the session to end', 60_000, async () => (await sessionOf(ada)).status === 401);
    expect(await sessionOf(ada)).toMatchObject({ body: { code: 'session.access_ended' } });
    const why = await workplace.rollcall('explain', 'ada@acme.example');
    expect(why.stdout).toMatch(/confirmed by two look-ups/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
