import { randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, runProgram } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { DataLocation } from './data-location.ts';
import { explainServerFailure, passwordProblem, versionMismatch } from './failure.ts';

/** The superuser of the embedded database, and the database that the service uses. */
export const ROLE = 'rollcall';

const UNFINISHED = 'initialising-';

/**
 * Runs `initdb` beside the final place and moves the result there when it is
 * whole, so that a killed `initdb` leaves nothing that looks like a database.
 *
 * @throws AppError see `explainServerFailure`
 */
export async function initialise(
  binaries: Binaries,
  location: DataLocation,
  account: Account | undefined,
  options: { password: string; durable: boolean },
): Promise<void> {
  await removeUnfinished(location.parent);
  const folder = join(location.parent, `${UNFINISHED}${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  const secret = await mkdtemp(join(tmpdir(), 'rollcall-'));
  try {
    await writeFile(join(secret, 'password'), options.password, { mode: 0o600 });
    if (account !== undefined) {
      for (const path of [folder, join(secret, 'password'), secret]) {
        await chown(path, account.uid, account.gid);
      }
    }
    const args = initdbArguments(folder, join(secret, 'password'), options.durable);
    const { code, output, failure } = await runProgram(binaries.initdb, args, account);
    if (code !== 0) {
      throw explainServerFailure('be created', failure?.message ?? output, location.parent);
    }
    await rmdir(location.data).catch(() => undefined);
    await rename(folder, location.data);
  } finally {
    await rm(secret, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sorting and case by Unicode code point, alike on every machine, whatever its locale. */
function initdbArguments(folder: string, passwordFile: string, durable: boolean): string[] {
  return [
    `--pgdata=${folder}`,
    `--username=${ROLE}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--text-search-config=simple',
    ...(durable ? [] : ['--no-sync']),
  ];
}

async function removeUnfinished(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(UNFINISHED)) continue;
    // Its initdb may still write there, for a moment.
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

/** @throws AppError `database.embedded_version_mismatch` */
export async function assertVersion(data: string, binaries: Binaries): Promise<void> {
  const written = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (written !== binaries.major) throw versionMismatch(data, binaries.major, written);
}

/**
 * The password of the superuser, made up at first use and kept in `file`, mode 0600.
 *
 * @throws AppError `database.embedded_password` where there are data but no password.
 */
export async function keepPassword(file: string, location: DataLocation): Promise<string> {
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (kept.trim() !== '') return kept.trim();
  if (location.owner !== undefined) throw passwordProblem(file, location.data);
  const password = randomBytes(24).toString('base64url');
  await rm(file, { force: true });
  await writeFile(file, `${password}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return password;
}
