import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '@rollcall/shared/core/errors';

/** The folder, in the working directory, of everything that Rollcall keeps by itself. */
export const STATE_FOLDER = '.rollcall';

/** Files in the folder of state that only the owner may read. */
const PRIVATE = 0o600;

const UNUSABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOSPC', 'EDQUOT'];

/**
 * The folder of state, made if it is missing.
 * Throws `state.unwritable`.
 */
export async function openStateFolder(workingDirectory: string): Promise<string> {
  const folder = resolve(workingDirectory, STATE_FOLDER);
  // Open to others: Postgres may run as another user below it. What is secret is a private file.
  await guard(folder, () => mkdir(folder, { recursive: true, mode: 0o755 }));
  return folder;
}

/**
 * Writes a private file whole or not at all, so that a crash leaves the old one.
 * Throws `state.unwritable`.
 */
export async function writeStateFile(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name);
  const beside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await guard(folder, async () => {
    try {
      await writeFile(beside, text, { mode: PRIVATE, flag: 'wx' });
      await rename(beside, file);
    } finally {
      await rm(beside, { force: true });
    }
  });
}

/** The text of a file of the folder, or null where there is none. Throws `state.unwritable`. */
export async function readStateFile(folder: string, name: string): Promise<string | null> {
  return guard(folder, async () => {
    try {
      return await readFile(join(folder, name), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
  });
}

/** Closes a file of the folder to everybody else, whoever made it. */
export async function makePrivate(folder: string, name: string): Promise<void> {
  await guard(folder, () => chmod(join(folder, name), PRIVATE));
}

/** Runs work on the folder; says in one sentence why it could not be done. */
export async function guard<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error, folder);
  }
}

function explain(error: unknown, folder: string): unknown {
  const code = errnoOf(error);
  if (!UNUSABLE.includes(code)) return error;
  const advice =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'its disk is full: make room'
      : 'this user may not use it: give the user the right to write there, or start in another folder';
  return new AppError('state.unwritable', `Rollcall keeps its state in ${folder}, and ${advice}.`, {
    cause: error,
    detail: { reason: code },
  });
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
