import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, runProgram } from './account.ts';
import { SYSTEM_FOLDER } from './binaries.ts';
import { foreignFolder } from './failure.ts';

/** Where the data directory is, or will be once it has been initialised. */
export interface DataLocation {
  /** The folder that holds `data`, in which the account may work. */
  readonly parent: string;
  /** The data directory of Postgres. */
  readonly data: string;
  /** Who owns the existing data directory. */
  readonly owner: Account | undefined;
}

/** Written beside the password where the data had to go elsewhere. */
interface Pointer {
  readonly parent: string;
  /** The folder this was written for: a copy of the folder must not share its data. */
  readonly dir: string;
}

const POINTER = 'data-location.json';

/**
 * Finds the data directory that belongs to `dir`: inside it, or where its
 * pointer file says.
 *
 * @throws AppError `database.embedded_foreign_folder`
 */
export async function findData(dir: string): Promise<DataLocation> {
  const pointer = await readPointer(dir);
  const parent = pointer === undefined || (await isCopied(pointer, dir)) ? dir : pointer.parent;
  if (pointer !== undefined && parent !== dir && pointer.dir !== dir)
    await writePointer(dir, parent);
  return describe(parent);
}

/**
 * Chooses where new data go. They stay in `dir` unless `account` cannot get
 * there, as when the checkout lies in root's home.
 */
export async function placeData(dir: string, account: Account | undefined): Promise<DataLocation> {
  if (account === undefined || (await canWorkIn(dir, account))) return describe(dir);
  const name = `${createHash('sha256').update(dir).digest('hex').slice(0, 16)}-${randomBytes(4).toString('hex')}`;
  const parent = join(SYSTEM_FOLDER, name);
  await mkdir(SYSTEM_FOLDER, { recursive: true });
  await chmod(SYSTEM_FOLDER, 0o755);
  await mkdir(parent);
  await chmod(parent, 0o755);
  await writeFile(join(parent, 'belongs-to'), `${dir}\n`);
  await writePointer(dir, parent);
  return describe(parent);
}

async function describe(parent: string): Promise<DataLocation> {
  const data = join(parent, 'data');
  const found = await stat(data).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return { parent, data, owner: undefined };
  const names = await readdir(data);
  if (names.includes('PG_VERSION'))
    return { parent, data, owner: { uid: found.uid, gid: found.gid } };
  if (names.length > 0) throw foreignFolder(data);
  return { parent, data, owner: undefined };
}

/** The folders above may be closed to the account, so it has to try. */
async function canWorkIn(dir: string, account: Account): Promise<boolean> {
  const trial = join(dir, `trial-${randomBytes(4).toString('hex')}`);
  try {
    await chmod(dir, 0o755);
    await mkdir(trial, { mode: 0o700 });
    await chown(trial, account.uid, account.gid);
    const { code } = await runProgram(
      '/bin/sh',
      ['-c', 'cd "$1" && : > file', 'sh', trial],
      account,
    );
    return code === 0;
  } catch (error) {
    // A network folder that lets root write but not hand over files.
    if (['EPERM', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}

async function isCopied(pointer: Pointer, dir: string): Promise<boolean> {
  if (pointer.dir === dir) return false;
  const original = await readPointer(pointer.dir);
  return original?.parent === pointer.parent;
}

async function readPointer(dir: string): Promise<Pointer | undefined> {
  const text = await readFile(join(dir, POINTER), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Pointer);
}

async function writePointer(dir: string, parent: string): Promise<void> {
  const pointer: Pointer = { parent, dir };
  const partial = join(dir, `${POINTER}.${process.pid}`);
  await writeFile(partial, `${JSON.stringify(pointer)}\n`, { mode: 0o600 });
  await rename(partial, join(dir, POINTER));
}
