import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { severalConnections } from '../integration/login/several-connections.ts';
import { launchBrowser } from '../setup/browser.ts';
import { ADA, type Stack, startStack } from '../support/stack.ts';

describe('the sign-in page in a browser', () => {
  let stack: Stack;
  let browser: Browser;
  beforeAll(async () => {
    [stack, browser] = await Promise.all([startStack(severalConnections()), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  it('leads by an e-mail address, with the keyboard alone and without scripts, to the provider', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const blocked: string[] = [];
    page.on('console', (message) => blocked.push(message.text()));
    await page.goto(`${stack.web.url}/login?return_to=%2Freports`);
    await page.keyboard.type('ada@acme.exampel');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(
      await page.getByRole('textbox', { name: 'E-mail address' }).getAttribute('aria-invalid'),
    ).toBe('true');
    // The complaint has put the focus where it is to be mended, with what was typed.
    await page.keyboard.press('Control+A');
    await page.keyboard.type('ada@acme.example');
    await page.keyboard.press('Enter');
    // On another origin: the policy of our page must let the form go there.
    await page.waitForURL((url) => url.origin === new URL(stack.idp.url).origin);
    await page.getByTestId(`sign-in-${ADA}`).click();
    await page.getByRole('button').click();
    await page.waitForURL(`${stack.web.url}/reports`);
    await page.goto(`${stack.web.url}/login?return_to=%2Freports`);
    const again = page.getByRole('link', { name: 'Continue with Acme <staff>' });
    expect(await again.evaluate((link) => link === document.activeElement)).toBe(true);
    await page.getByRole('link', { name: 'globex' }).waitFor();
    // A refused form is an error of the console, and so is the answer 422 itself.
    expect(blocked.filter((text) => !text.includes('422'))).toEqual([]);
    await context.close();
  });
});
