import { execFile } from 'node:child_process';
import { parse } from 'node:path';

/** The user and group a Postgres program runs as; `undefined` means as ourselves. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** How a program ended and what it printed. */
export interface ProgramResult {
  /** Exit code; `undefined` when it could not be started (see `failure`) or was killed. */
  readonly code: number | undefined;
  readonly output: string;
  readonly failure: NodeJS.ErrnoException | undefined;
}

/**
 * Postgres refuses to run as root. As root we therefore pick an account that
 * exists already and may do nothing much; anybody else runs it as themselves.
 *
 * @param owner owner of existing data, which decides.
 */
export async function chooseAccount(owner: Account | undefined): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (owner !== undefined && owner.uid !== 0) return owner;
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const [uid, gid] = [await idOf('-u', name), await idOf('-g', name)];
    if (uid && gid) return { uid, gid };
  }
  return undefined;
}

/** Runs a program to its end, as `account`, in a folder everybody may enter. */
export function runProgram(
  file: string,
  args: readonly string[],
  account: Account | undefined,
): Promise<ProgramResult> {
  const options = { ...account, cwd: parse(process.cwd()).root, env: serverEnvironment() };
  return new Promise((resolve) => {
    const finish = (error: NodeJS.ErrnoException | null, output: string) => {
      const code = error === null ? 0 : error.code;
      const exit = typeof code === 'number' ? code : undefined;
      resolve({
        code: exit,
        output,
        failure: exit === undefined ? (error ?? undefined) : undefined,
      });
    };
    try {
      execFile(file, args, options, (error, stdout, stderr) =>
        finish(error as NodeJS.ErrnoException | null, `${stdout}${stderr}`),
      );
    } catch (error) {
      finish(error as NodeJS.ErrnoException, '');
    }
  });
}

const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP'];

/**
 * The server gets a chosen few variables: ours hold secrets, and PG* or a locale
 * from the terminal would change how it starts.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const chosen = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(chosen), LC_ALL: 'C', TZ: 'UTC' };
}

async function idOf(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  const { code, output } = await runProgram('id', [flag, name], undefined);
  return code === 0 && /^\d+\s*$/.test(output) ? Number(output) : undefined;
}
