import { AppError } from '../../core/errors.ts';

const INSTEAD = 'or set database.url to a Postgres of your own';

/**
 * Says in one sentence why a folder of the embedded database cannot be used.
 * An {@link AppError} passes unchanged.
 *
 * Codes: `database.embedded_disk_full`, `database.embedded_unwritable`.
 */
export function explainFolderFailure(error: unknown, folder: string): unknown {
  if (error instanceof AppError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(folder, error);
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG'].includes(code ?? '')) {
    return new AppError(
      'database.embedded_unwritable',
      `The embedded database cannot write to ${folder} (${code}): give this user the right to write there, ${INSTEAD}.`,
      { cause: error },
    );
  }
  return error;
}

/** `database.embedded_unsupported`: there are no binaries that run here. */
export function unsupported(platform: string, cause: unknown): AppError {
  return new AppError(
    'database.embedded_unsupported',
    `The embedded database has no Postgres that runs on ${platform}: install the dependencies again, ${INSTEAD}.`,
    { cause },
  );
}

/** `database.embedded_disk_full` */
export function diskFull(folder: string, cause: unknown): AppError {
  return new AppError(
    'database.embedded_disk_full',
    `The disk that holds ${folder} is full: make room (about 100 MB for an empty database), ${INSTEAD}.`,
    { cause },
  );
}

/** `database.embedded_version_mismatch` */
export function versionMismatch(data: string, expected: string, received: string): AppError {
  return new AppError(
    'database.embedded_version_mismatch',
    `The database in ${data} was written by Postgres ${received} and this release brings Postgres ${expected}: dump it with ${received}, move the folder away, start again and restore; nothing was changed.`,
    { detail: { expected, received } },
  );
}

/** `database.embedded_foreign_folder`: something else lies where the data belong. */
export function foreignFolder(data: string): AppError {
  return new AppError(
    'database.embedded_foreign_folder',
    `${data} is not empty and holds no Postgres database: move it away, ${INSTEAD}; nothing was changed.`,
  );
}

/** `database.embedded_password` */
export function passwordProblem(file: string, data: string, cause?: unknown): AppError {
  return new AppError(
    'database.embedded_password',
    `${file} does not hold the password of the database in ${data}: restore that file, or move the database folder away to start with an empty one.`,
    { cause },
  );
}

/** `database.embedded_busy`: another process held the lock, or the server kept starting or stopping. */
export function busy(what: string, seconds: number): AppError {
  return new AppError(
    'database.embedded_busy',
    `${what} did not finish within ${seconds} seconds: wait for it, or end that process, then try again.`,
  );
}

/**
 * Turns what `initdb` or `postgres` printed into an error whose sentence says what to do.
 *
 * Codes: `database.embedded_disk_full`, `database.embedded_no_user`,
 * `database.embedded_unwritable`, `database.embedded_failed`.
 */
export function explainServerFailure(step: string, output: string, folder: string): AppError {
  const cause = new Error(output.trim().slice(-4000));
  if (/no space left on device|disk quota exceeded/i.test(output)) return diskFull(folder, cause);
  if (/could not look up effective user/i.test(output)) {
    return new AppError(
      'database.embedded_no_user',
      `This process runs under a user number that has no name, which Postgres refuses: run it as a user listed in /etc/passwd, ${INSTEAD}.`,
      { cause },
    );
  }
  if (/permission denied|invalid permissions|wrong ownership|read-only file system/i.test(output)) {
    return new AppError(
      'database.embedded_unwritable',
      `Postgres may not use ${folder}: its files must belong to the user that runs it and be closed to others; use another folder, ${INSTEAD}.`,
      { cause },
    );
  }
  return new AppError(
    'database.embedded_failed',
    `The embedded database could not ${step}: ${lastComplaint(output)}`,
    { cause },
  );
}

function lastComplaint(output: string): string {
  const lines = output.trim().split('\n');
  const complaint = lines.findLast((line) => /FATAL|PANIC|error:/i.test(line)) ?? lines.at(-1);
  return complaint?.trim() || 'it printed nothing';
}
