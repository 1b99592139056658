import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SAME_KEYSTROKE_MS = 1_000;
const PARENT_CHECK_MS = 250;

/**
 * Runs a program to its end and collects what it prints.
 *
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runQuietly(file, args, options) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', (error) => resolve({ code: 1, output: `${output}${error.message}` }));
    child.once('close', (code, signal) => resolve({ code: signal ? 1 : (code ?? 1), output }));
  });
}

/**
 * Runs a program in our terminal and answers with its exit code. We outlive it:
 * a signal is passed on once, then it may take its time to stop.
 *
 * @returns {Promise<number>}
 */
export function runInForeground(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: 'inherit' });
    const stopPassing = passSignals(child);
    child.once('error', (error) => {
      stopPassing();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      stopPassing();
      resolve(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/**
 * A terminal sends Ctrl-C to every process in it, and npm passes it on besides.
 * So in a terminal the child has had its own, and elsewhere it gets the first of
 * several within a second.
 */
function passSignals(child) {
  const last = new Map();
  const pass = (signal) => {
    const now = performance.now();
    const repeated = now - (last.get(signal) ?? Number.NEGATIVE_INFINITY) < SAME_KEYSTROKE_MS;
    last.set(signal, now);
    const fromTerminal = signal === 'SIGINT' && (process.stdin.isTTY || process.stderr.isTTY);
    if (!repeated && !fromTerminal) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  const watch = watchParent(() => pass('SIGTERM'));
  return () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, pass);
  };
}

/**
 * npm hands a signal to the shell between it and us, which dies of it and tells
 * nobody. We notice that our parent has gone.
 */
function watchParent(onGone) {
  const parent = process.ppid;
  const startedByNpm = process.env.npm_command !== undefined;
  if (!startedByNpm || process.platform === 'win32') return undefined;
  return setInterval(() => {
    if (process.ppid !== parent) onGone();
  }, PARENT_CHECK_MS).unref();
}
