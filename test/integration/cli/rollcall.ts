import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../../packages/cli/src/main.ts');
/** Longer than a start on a busy machine takes, shorter than a test may. */
const READY_MS = 40_000;

/** Where and how a command runs. */
export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as this user instead of ours. */
  readonly uid?: number;
}

/** What a command said, and how it ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `rollcall start` that says that it is ready. */
export interface Running {
  /** Where browsers reach the app. */
  readonly url: string;
  readonly listens: string | null;
  /** The demo IdP; null where there is a configuration. */
  readonly idp: string | null;
  readonly pid: number;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

/** A folder of one's own, removed when the test ends. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-cli-'));
  // Postgres runs as another user where the tests run as root.
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end. */
export async function rollcall(
  args: readonly string[],
  options: CommandOptions,
): Promise<Finished> {
  return finished(launch(args, options));
}

/** What a command prints with `--json`, parsed. */
export async function rollcallJson(
  args: readonly string[],
  options: CommandOptions,
): Promise<{ code: number | null; answer: unknown }> {
  const { code, stdout, stderr } = await rollcall([...args, '--json'], options);
  try {
    return { code, answer: JSON.parse(stdout) };
  } catch {
    throw new Error(`no JSON on standard output (exit ${code}): ${stdout}\n${stderr}`);
  }
}

/** Starts the service and waits until it says that it is ready; stopped when the test ends. */
export async function start(args: readonly string[], options: CommandOptions): Promise<Running> {
  const child = launch(['start', '--json', ...args], options);
  const end = finished(child);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await end;
  });
  const ready = await Promise.race([readyLine(child), end, timeout()]);
  if (typeof ready !== 'string')
    throw new Error(`start did not get ready: ${JSON.stringify(ready)}`);
  const { url, listens, idp } = JSON.parse(ready) as Pick<Running, 'url' | 'listens' | 'idp'>;
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> => {
    child.kill(signal);
    return end;
  };
  return { url, listens, idp, pid: child.pid ?? 0, stop };
}

function launch(args: readonly string[], { cwd, env, uid }: CommandOptions): ChildProcess {
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...inherited } = process.env;
  return spawn(process.execPath, ['--conditions=source', MAIN, ...args], {
    cwd,
    env: { ...inherited, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

async function finished(child: ChildProcess): Promise<Finished> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** The line that says "ready"; with a configuration log lines come before it. */
function readyLine(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    child.stdout?.on('data', (piece: string) => {
      text += piece;
      const line = text.split('\n').find((one) => one.startsWith('{"ready":true'));
      if (line?.endsWith('}')) resolve(line);
    });
  });
}

function timeout(): Promise<{ waited: number }> {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ waited: READY_MS }), READY_MS).unref();
  });
}
