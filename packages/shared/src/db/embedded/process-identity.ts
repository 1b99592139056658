import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in whatever form the system gives; empty where it gives none. */
  readonly started: string;
}

/** The identity of the process `pid`, by default our own. */
export function identify(pid: number = process.pid): ProcessIdentity {
  return { pid, started: startOf(pid) };
}

/** Whether that very process still runs, not merely one with its number. */
export function isRunning(identity: ProcessIdentity): boolean {
  if (!isAlive(identity.pid)) return false;
  return identity.started === '' || startOf(identity.pid) === identity.started;
}

/** Whether any process has this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The command line of a process, arguments joined with spaces. Empty when it has
 * ended; `undefined` where the system does not tell.
 */
export function commandLineOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const bytes = readOrUndefined(`/proc/${pid}/cmdline`);
    return bytes === undefined ? '' : bytes.replaceAll('\0', ' ').trim();
  }
  return process.platform === 'win32' ? undefined : ps(pid, 'command=');
}

/** Field 22 of `/proc/PID/stat` counts from boot and never changes; others have `ps`. */
function startOf(pid: number): string {
  if (process.platform === 'linux') {
    const stat = readOrUndefined(`/proc/${pid}/stat`) ?? '';
    // The second field is the name in brackets and may hold anything, brackets too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended and only waits for its parent to notice, in some containers for ever.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  }
  return process.platform === 'win32' ? '' : (ps(pid, 'lstart=') ?? '');
}

function ps(pid: number, column: string): string | undefined {
  try {
    const args = ['-ww', '-p', String(pid), '-o', column];
    return execFileSync('ps', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
