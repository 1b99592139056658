import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, runProgram, serverEnvironment } from './account.ts';
import type { Binaries } from './binaries.ts';
import { busy, explainServerFailure } from './failure.ts';
import { commandLineOf, isAlive } from './process-identity.ts';

/** A server that runs on one data directory, as its `postmaster.pid` describes it. */
export interface Postmaster {
  readonly pid: number;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Whether it takes connections: no while it starts, recovers or stops. */
  readonly ready: boolean;
}

/** Recovery after a crash replays at most about a gigabyte; beyond this something is wrong. */
const PATIENCE_SECONDS = 300;
const LOG_LIMIT_BYTES = 10_000_000;

/**
 * The server of this data directory, if one runs. A `postmaster.pid` that a crash
 * left behind, whose number now belongs to another program, is removed: Postgres
 * would take that program for its server and refuse to start.
 */
export function findPostmaster(data: string): Postmaster | undefined {
  const file = join(data, 'postmaster.pid');
  const lines = readOrEmpty(file).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  const command = commandLineOf(pid);
  if (command !== undefined && !command.includes(` -D ${data} -c `)) {
    rmSync(file, { force: true });
    return undefined;
  }
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/**
 * Waits until a server that another process started is ready or has gone.
 *
 * @throws AppError `database.embedded_busy`
 */
export async function settle(data: string): Promise<Postmaster | undefined> {
  const deadline = performance.now() + PATIENCE_SECONDS * 1000;
  for (;;) {
    const found = findPostmaster(data);
    if (found === undefined || found.ready) return found;
    if (performance.now() > deadline) {
      throw busy(`The Postgres server with process id ${found.pid}`, PATIENCE_SECONDS);
    }
    await sleep(25);
  }
}

/**
 * Starts a server that outlives us if need be and gets no Ctrl-C from our
 * terminal: we stop it ourselves when our own work has ended.
 *
 * @returns the server, or what a second try may overcome: somebody else took the
 * port, or processes of a killed server have not quite ended.
 * @throws AppError see `explainServerFailure`
 */
export async function launch(
  binaries: Binaries,
  data: string,
  account: Account | undefined,
  options: { port: number; durable: boolean; logFile: string },
): Promise<Postmaster | 'port taken' | 'not ended'> {
  rotate(options.logFile);
  const log = openSync(options.logFile, 'a', 0o600);
  const before = statSync(options.logFile).size;
  const child = spawn(binaries.postgres, serverArguments(data, options), {
    ...account,
    cwd: parse(process.cwd()).root,
    env: serverEnvironment(),
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = error.message;
  });
  child.once('exit', (code, signal) => {
    failure ??= `it ended with ${signal ?? `code ${code}`}`;
  });
  const deadline = performance.now() + PATIENCE_SECONDS * 1000;
  while (failure === undefined) {
    const found = findPostmaster(data);
    if (found?.ready && found.pid === child.pid) return found;
    if (performance.now() > deadline) throw busy('The start of Postgres', PATIENCE_SECONDS);
    await sleep(20);
  }
  const printed = (await readFile(options.logFile)).subarray(before).toString('utf8');
  if (/could not (bind|create any TCP)/.test(printed)) return 'port taken';
  if (/shared memory block .* is still in use/.test(printed)) return 'not ended';
  throw explainServerFailure('start', printed || failure, data);
}

/** Lets running statements be cancelled and everything be written, then ends. */
export async function stopPostmaster(
  binaries: Binaries,
  data: string,
  account: Account | undefined,
): Promise<void> {
  if (findPostmaster(data) === undefined) return;
  const args = ['stop', '-D', data, '-m', 'fast', '-w', '-t', String(PATIENCE_SECONDS)];
  const { code, output, failure } = await runProgram(binaries.pgCtl, args, account);
  if (code === 0 || findPostmaster(data) === undefined) return;
  throw explainServerFailure('stop', failure?.message ?? output, data);
}

/** Asks for a stop without waiting: all that a process can do while it exits. */
export function signalStop(data: string): void {
  const found = findPostmaster(data);
  if (found !== undefined && process.platform !== 'win32') process.kill(found.pid, 'SIGINT');
}

/**
 * On 127.0.0.1 alone, no Unix socket (its path may hold 107 bytes at most), times
 * in UTC. Errors of single statements are the client's to log, so that no
 * personal data get into the server's log.
 */
function serverArguments(data: string, options: { port: number; durable: boolean }): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...(options.durable
      ? {}
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', data, ...flags];
}

function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) renameSync(logFile, `${logFile}.1`);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
