import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { launchBrowser, unpackBrowser } from '../setup/browser.ts';

const PAGE = 'data:text/html,<title>Roll</title><script>document.title += "call"</script>';

test('launches a browser that runs scripts', async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(PAGE);
    expect(await page.title()).toBe('Rollcall');
  } finally {
    await browser.close();
  }
});

test.runIf(process.platform === 'linux')(
  'starts the one from npm where none is installed',
  async () => {
    const { file, env } = await unpackBrowser();
    const browser = await chromium.launch({ executablePath: file, env, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.goto(PAGE);
      expect(await page.title()).toBe('Rollcall');
    } finally {
      await browser.close();
    }
  },
  120_000,
);
