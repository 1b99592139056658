import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommandLine } from '@rollcall/cli/main';
import { openTerminal } from '@rollcall/cli/terminal';
import { onTestFinished } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../../packages/cli/src/main.ts');
/** Longer than a start on a busy machine takes, shorter than a test may. */
const READY_MS = 40_000;

/** Where and how a command runs. */
export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** … of a command that is a process of its own. */
export interface ProcessOptions extends CommandOptions {
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

/**
 * Runs a command to its end, by the same program object as the process would, in this one:
 * a start of Node costs more than most commands. `process.test.ts` holds that it is the
 * same to the byte.
 */
export async function rollcall(
  args: readonly string[],
  { cwd, env }: CommandOptions,
): Promise<Finished> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const out = { write: (text: string) => stdout.push(text) };
  const error = { write: (text: string) => stderr.push(text) };
  const environment = environmentOf(env);
  const terminal = openTerminal(out, error, environment);
  const leave = enter(cwd);
  try {
    const surroundings = { env: environment, workingDirectory: cwd, terminal };
    const code = await runCommandLine(args, surroundings);
    return { code, stdout: stdout.join(''), stderr: stderr.join('') };
  } finally {
    leave();
  }
}

/** Runs a command to its end as a process of its own. */
export function rollcallProcess(
  args: readonly string[],
  options: ProcessOptions,
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
export async function start(args: readonly string[], options: ProcessOptions): Promise<Running> {
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

let inside: { readonly folder: string; readonly from: string; commands: number } | null = null;

/** Commands read the configuration of the folder that the process is in. */
function enter(folder: string): () => void {
  inside ??= { folder, from: process.cwd(), commands: 0 };
  const place = inside;
  if (place.folder !== folder) throw new Error(`commands at once in ${place.folder} and ${folder}`);
  place.commands++;
  process.chdir(folder);
  return () => {
    place.commands--;
    if (place.commands > 0) return;
    process.chdir(place.from);
    inside = null;
  };
}

function launch(args: readonly string[], { cwd, env, uid }: ProcessOptions): ChildProcess {
  return spawn(process.execPath, ['--conditions=source', MAIN, ...args], {
    cwd,
    env: environmentOf(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

function environmentOf(env: CommandOptions['env']): NodeJS.ProcessEnv {
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: '1', ...env };
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
