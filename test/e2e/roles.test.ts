import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '@rollcall/cli/main';
import { openTerminal } from '@rollcall/cli/terminal';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { overPool } from '@rollcall/shared/db/database';
import { makeTestTicket } from '@rollcall/shared/db/sign-in-tests';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../setup/browser.ts';
import { ADA, type Stack, startStack } from '../support/stack.ts';

/** No sweep runs here: what changes, a sign-in has changed. */
describe('roles that explain themselves, clicked through', () => {
  let stack: Stack;
  let browser: Browser;
  let file: string;
  beforeAll(async () => {
    stack = await startStack();
    browser = await launchBrowser();
    file = join(mkdtempSync(join(tmpdir(), 'rollcall-roles-')), 'rollcall.yaml');
    writeFileSync(file, JSON.stringify(stack.config));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  async function ask(...args: string[]): Promise<{ code: number; stdout: string }> {
    const out: string[] = [];
    const silent = { write: () => true };
    const terminal = openTerminal({ write: (text) => out.push(text) }, silent, {});
    const place = { env: stack.env, workingDirectory: '.', terminal };
    const code = await runCommandLine([...args, '--config', file], place);
    return { code, stdout: out.join('') };
  }

  async function signIn(page: Page, address = `${stack.web.url}/saml/demo/login`): Promise<void> {
    await page.goto(address);
    await page.getByRole('button', { name: 'Sign in as Ada Lovelace', exact: true }).click();
  }

  async function inNewBrowser(work: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext();
    try {
      await work(await context.newPage());
    } finally {
      await context.close();
    }
  }

  it('tests first, and nobody is there', async () => {
    const db = overPool(stack.fresh.pool);
    const ticket = await makeTestTicket(db, toConnectionId('demo'), 'oda', currentTime());
    await inNewBrowser(async (page) => {
      await signIn(page, `${stack.web.url}/saml/demo/login?test=${ticket}`);
      await page.getByRole('heading', { name: 'This sign-in would be let in' }).waitFor();
      expect(await page.getByTestId('steps').textContent()).toContain('signed by the identity');
      expect(await page.textContent('main')).toContain('groups of no ruleEveryone');
      await page.goto(`${stack.web.url}/session`);
      expect(await page.textContent('body')).not.toContain('Lovelace');
    });
    expect((await ask('users', 'list')).stdout).toContain('No users');
  });

  it('signs in, loses a group, signs in again, and explain tells it', async () => {
    await inNewBrowser(async (page) => {
      await signIn(page);
      await page.waitForURL(`${stack.web.url}/`);
    });
    const before = await ask('explain', 'ada@acme.example');
    expect(before.stdout).toMatch(/✓ {2}editor +← group BI-Editors {2}\(\S+:\d+, in an assertion /);
    expect((await ask('can', 'ada@acme.example', 'editor')).code).toBe(0);

    await inNewBrowser(async (page) => {
      await page.goto(stack.idp.url);
      await page.getByTestId(`change-groups-${ADA}`).click();
      const form = page.getByTestId(`person-${ADA}`);
      await form.getByLabel('BI-Editors').uncheck();
      await form.getByRole('button', { name: /groups/i }).click();
      await page.waitForLoadState();
    });
    // Nothing has been seen yet, so nothing has changed.
    expect((await ask('can', 'ada@acme.example', 'editor')).code).toBe(0);

    await inNewBrowser(async (page) => {
      await signIn(page);
      await page.waitForURL(`${stack.web.url}/`);
    });
    const after = await ask('explain', 'ada@acme.example');
    expect(after.stdout).toMatch(/✗ {2}editor +.*BI-Editors {2}\(\S+:\d+\)/);
    expect(after.stdout).toMatch(/✓ {2}analyst +← group BI-Analysts/);
    expect(after.stdout).toContain('Groups that no rule names: Everyone');
    expect(after.stdout).toContain('roles.changed');
    const no = await ask('can', 'ada@acme.example', 'editor');
    expect(no.code).toBe(1);
    expect(no.stdout).toMatch(/^no: the user does not hold editor; not in group BI-Editors/);
  });
});
