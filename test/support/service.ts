import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CLI = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');

/** What a command said and how it ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own in which the real command runs, as a new user would run it. */
export interface Workplace {
  readonly folder: string;
  /** Runs `rollcall …` to its end. */
  rollcall(...args: string[]): Promise<CommandResult>;
  /** Starts `rollcall …` and waits until it has printed `ready`. */
  start(ready: RegExp, ...args: string[]): Promise<RunningService>;
  /** Kills what is still running and removes the folder. */
  close(): Promise<void>;
}

/** A service that has been started. */
export interface RunningService {
  readonly process: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Sends a signal and waits for the end; answers with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Makes such a folder. `env` is added to a minimal environment. */
export async function openWorkplace(env: Record<string, string> = {}): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall story '));
  const running: RunningService[] = [];
  const spawnCli = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, ['--conditions=source', CLI, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    folder,
    rollcall: (...args) => finish(spawnCli(args)),
    start: async (ready, ...args) => {
      const service = watch(spawnCli(args));
      running.push(service);
      await readiness(service, ready);
      return service;
    },
    close: async () => {
      for (const service of running) await service.end('SIGTERM');
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** The addresses of a demo that runs in a folder. */
export async function demoAddresses(folder: string): Promise<{ app: string; idp: string }> {
  const ports = JSON.parse(await readFile(join(folder, '.rollcall/demo.json'), 'utf8'));
  return { app: `http://localhost:${ports.web}`, idp: `http://localhost:${ports.idp}` };
}

/** Asks again and again until the answer is there; throws after `ms` with what was last seen. */
export async function until<T>(
  what: string,
  ms: number,
  ask: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + ms;
  let last: unknown;
  while (performance.now() < deadline) {
    const answer = await ask().catch((error: unknown) => {
      last = error;
      return null;
    });
    if (answer) return answer;
    await sleep(200);
  }
  throw new Error(`waited ${ms} ms for ${what}`, { cause: last });
}

function watch(child: ChildProcess): RunningService {
  const printed: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  return {
    process: child,
    output: () => printed.join(''),
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

async function readiness(service: RunningService, ready: RegExp): Promise<void> {
  await until(`${ready} in the output`, 60_000, async () => {
    const { exitCode } = service.process;
    if (exitCode !== null) throw new Error(`ended with ${exitCode}: ${service.output()}`);
    return ready.test(service.output());
  }).catch((error: unknown) => {
    throw new Error(`the service did not get ready: ${service.output()}`, { cause: error });
  });
}

function finish(child: ChildProcess): Promise<CommandResult> {
  const parts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    parts.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    parts.stderr += chunk.toString();
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, ...parts }));
  });
}
