import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rollcall } from '../integration/cli/rollcall.ts';
import { launchBrowser } from '../setup/browser.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { demoAddresses, openWorkplace, until, type Workplace } from '../support/service.ts';
import { ADA, ALAN } from '../support/stack.ts';

const SHOTS = resolve(import.meta.dirname, '../../test-results/story');
/** The demo sweeps every 15 s and confirms an absence after 5 s. */
const TWO_SWEEPS = 60_000;

/**
 * The story that the project exists for, with the real command, in a real browser:
 * nothing is called but what a person can click or type.
 */
describeOnBothEngines('the story, clicked through', (engine) => {
  let workplace: Workplace;
  let redis: FreshRedis | null = null;
  let browser: Browser;
  let app: string;
  let idp: string;
  let alan: Page;
  let ada: Page;
  let admin: Page;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    if (engine === 'redis') redis = await redisOrNull();
    workplace = await openWorkplace(redis === null ? {} : { REDIS_URL: redis.url });
    await workplace.start(/Ctrl-C stops it/, 'start');
    ({ app, idp } = await demoAddresses(workplace.folder));
    browser = await launchBrowser();
    [alan, ada, admin] = [await newPage(), await newPage(), await newPage()];
  }, 120_000);

  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser?.close();
    await workplace?.close();
    await redis?.release();
  });

  async function newPage(): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 900, height: 640 } });
    contexts.push(context);
    return context.newPage();
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.goto(app);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: `Sign in as ${name}`, exact: true }).click();
    await page.waitForURL(`${app}/`);
  }

  async function breakDirectory(fault: string): Promise<void> {
    await admin.goto(idp);
    await admin.getByTestId(`fault-${fault}`).check();
    await admin.getByTestId('set-fault').click();
    await expect
      .poll(() => admin.getByTestId('current-fault').getAttribute('data-fault'))
      .toBe(fault);
  }

  function shot(page: Page, name: string): Promise<Buffer> {
    return page.screenshot({ path: `${SHOTS}/${engine}-${name}.png` });
  }

  it('answers a command in a second terminal, on the engine that was asked for', async () => {
    const health = await fetch(`${app}/health`);
    expect(await health.json()).toMatchObject({ status: 'ok', engine });
    const list = await workplace.rollcall('users', 'list', '--json');
    expect(list).toMatchObject({ code: 0, stderr: '' });
  });

  it('lets an analyst in, and shows the role', async () => {
    await signIn(alan, 'Alan Turing');
    expect(await alan.getByTestId('name').textContent()).toBe('Alan Turing');
    expect(await alan.getByTestId('roles').textContent()).toBe('analyst');
    await signIn(ada, 'Ada Lovelace');
    expect(await ada.getByTestId('roles').textContent()).toBe('analyst, editor, finance');
    await shot(ada, '1-signed-in');
  });

  it.each(['error_500', 'empty', 'half'])(
    'removes nobody while the directory is broken (%s), and says why',
    async (fault) => {
      await breakDirectory(fault);
      const plan = await workplace.rollcall('sweep', 'plan', 'demo');
      expect(plan.code, plan.stdout + plan.stderr).toBe(4);
      expect(plan.stdout + plan.stderr).toMatch(
        { error_500: /500/, empty: /zero|no rows|nobody|0 /i, half: /of the last/i }[fault] ??
          /never/,
      );
      for (const page of [alan, ada]) expect(await page.getByTestId('name').isVisible()).toBe(true);
      await shot(admin, `2-broken-${fault}`);
    },
  );

  it('ends the access of whoever is removed, on the open page, by itself', async () => {
    await admin.goto(idp);
    await admin.getByTestId('mend').click();
    await admin.getByTestId(`remove-${ALAN}`).click();
    expect(await admin.getByTestId(`state-${ALAN}`).textContent()).toBe('removed');
    await shot(admin, '3-removed');
    await alan.getByRole('heading', { name: 'Access ended' }).waitFor({ timeout: TWO_SWEEPS });
    expect(await alan.getByTestId('ended').textContent()).toContain('no longer listed');
    expect(await alan.getByTestId('name').count()).toBe(0);
    await shot(alan, '4-access-ended');
  });

  it('takes the role of a group that somebody left, and no other', async () => {
    await admin.goto(idp);
    await admin.getByTestId(`change-groups-${ADA}`).click();
    const form = admin.getByTestId(`person-${ADA}`);
    await form.getByLabel('BI-Editors').uncheck();
    await form.getByRole('button', { name: /groups/i }).click();
    await expect
      .poll(() => ada.getByTestId('roles').textContent(), { timeout: TWO_SWEEPS })
      .toBe('analyst, finance');
    await shot(ada, '5-role-lost');
  });

  it('refuses whoever was removed, at the identity provider and here, with a reason', async () => {
    await alan.getByRole('link', { name: 'Sign in again' }).click();
    await alan.getByRole('button', { name: 'Sign in as Alan Turing', exact: true }).click();
    expect(await alan.getByTestId('refusal').textContent()).toContain('no longer in the directory');
    await alan.goto(app);
    await alan.getByRole('link', { name: 'Sign in' }).click();
    await alan.getByTestId(`old-session-${ALAN}`).click();
    await alan.getByTestId('code').waitFor();
    expect(await alan.getByTestId('code').textContent()).toBe('access.deactivated');
    expect(await alan.getByTestId('reason').textContent()).toContain('no longer listed');
    expect(await alan.getByTestId('reference').textContent()).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{6}$/);
    await shot(alan, '6-refused');
  });

  it('explains it all to the operator', async () => {
    const why = await workplace.rollcall('explain', 'alan@acme.example');
    expect(why.stdout).toContain('deactivated');
    expect(why.stdout).toMatch(/no longer listed at the identity provider/);
    const history = await workplace.rollcall('sweep', 'history', 'demo');
    expect(history.stdout).toMatch(/applied/);
    expect(history.stdout).toMatch(/incomplete/);
  });

  it('lets somebody who is listed again back in, with the role', async () => {
    await admin.goto(idp);
    await admin.getByTestId(`restore-${ALAN}`).click();
    await until('the sweep to restore Alan', TWO_SWEEPS, async () => {
      const list = await rollcall(['users', 'list', '--json'], { cwd: workplace.folder });
      return /"state":\s*"deactivated"/.test(list.stdout) ? null : list;
    });
    await signIn(alan, 'Alan Turing');
    expect(await alan.getByTestId('roles').textContent()).toBe('analyst');
  });

  it('signs out here and at the identity provider', async () => {
    await ada.getByRole('button', { name: 'Sign out' }).click();
    await ada.getByRole('heading', { name: 'Signed out' }).waitFor();
    expect(await ada.getByTestId('signed-out').getAttribute('data-how')).toBe('everywhere');
    await shot(ada, '7-signed-out');
    await ada.goto(app);
    expect(await ada.getByRole('link', { name: 'Sign in' }).isVisible()).toBe(true);
  });

  it('is signed out at the identity provider, on the open page, by itself', async () => {
    await admin.goto(idp);
    await admin.getByTestId(`sign-out-${ALAN}`).click();
    await admin.getByTestId('signed-out').waitFor();
    await alan.getByRole('heading', { name: 'Session ended' }).waitFor({ timeout: TWO_SWEEPS });
    expect(await alan.getByTestId('name').count()).toBe(0);
  });
});
