import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withLock } from '@rollcall/shared/db/embedded/lock';

/** A `redis-server` and the environment that it needs. */
export interface RedisProgram {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

const TOOLS = fileURLToPath(new URL('../../.tools', import.meta.url));
const run = promisify(execFile);

/** A program on the PATH, or undefined. */
export async function findOnPath(name: string): Promise<RedisProgram | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    if (folder !== '' && (await isExecutable(file))) return { file, env: process.env };
  }
  return undefined;
}

/**
 * Debian's redis-server with the libraries that this machine lacks, unpacked into
 * `.tools/redis`. Needs no root, installs nothing, starts no service.
 */
export async function fetchRedis(): Promise<RedisProgram> {
  const root = join(TOOLS, 'redis');
  const file = join(root, 'usr/bin/redis-server');
  if (!(await isExecutable(file))) {
    if (
      (await findOnPath('apt-get')) === undefined ||
      (await findOnPath('dpkg-deb')) === undefined
    ) {
      throw new Error('no redis-server on the PATH, and no apt-get to fetch one with');
    }
    await mkdir(TOOLS, { recursive: true });
    await withLock(join(TOOLS, 'redis.lock'), 300, async () => {
      if (!(await isExecutable(file))) await unpack(root);
    });
  }
  return { file, env: { ...process.env, LD_LIBRARY_PATH: (await libraryFolders(root)).join(':') } };
}

async function unpack(root: string): Promise<void> {
  const work = `${root}.${process.pid}`;
  await rm(work, { recursive: true, force: true });
  try {
    for (const folder of ['lists/partial', 'cache/archives/partial', 'root']) {
      await mkdir(join(work, folder), { recursive: true });
    }
    // The command line splits values at blanks; a file may quote them.
    const settings = [
      `Dir::State::lists "${work}/lists";`,
      `Dir::Cache "${work}/cache";`,
      'Debug::NoLocking "true";',
      'APT::Sandbox::User "";',
      'Acquire::Retries "0";',
      'Acquire::http::Timeout "15";',
      'Acquire::https::Timeout "15";',
    ];
    await writeFile(join(work, 'apt.conf'), `${settings.join('\n')}\n`);
    const env = { ...process.env, APT_CONFIG: join(work, 'apt.conf'), LC_ALL: 'C' };
    await run('apt-get', ['-qq', '-o', 'APT::Update::Error-Mode=any', 'update'], { env });
    const download = ['-qq', '-y', '--no-install-recommends', '--download-only', 'install'];
    await run('apt-get', [...download, 'redis-server'], { env });
    const archives = join(work, 'cache/archives');
    for (const name of await readdir(archives)) {
      if (name.endsWith('.deb'))
        await run('dpkg-deb', ['-x', join(archives, name), join(work, 'root')]);
    }
    await rm(root, { recursive: true, force: true });
    await rename(join(work, 'root'), root);
  } catch (error) {
    throw new Error('no redis-server on the PATH, and it could not be fetched from Debian', {
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Every folder that holds a shared library, for those the machine itself lacks. */
async function libraryFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true });
  const libraries = entries.filter((entry) => /\.so(\.|$)/.test(entry));
  return [...new Set(libraries.map((library) => dirname(join(root, library))))];
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
