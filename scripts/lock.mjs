import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Complaint } from './complaint.mjs';

const MOMENT_MS = 10_000;
const PATIENCE_MS = 15 * 60_000;

/**
 * Runs `work` while this process alone holds the lock file; takes over the lock of
 * a process that has died. The embedded database has the same in TypeScript,
 * which Node 20 cannot load.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {() => void} [onWait] called once when somebody else is at it
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait = () => undefined) {
  mkdirSync(dirname(path), { recursive: true });
  const holder = { pid: process.pid, started: startOf(process.pid), id: randomUUID() };
  const deadline = Date.now() + PATIENCE_MS;
  let told = false;
  while (!acquire(path, JSON.stringify(holder))) {
    if (!breakIfAbandoned(path)) {
      if (!told) onWait();
      told = true;
    }
    if (Date.now() > deadline) {
      throw new Complaint(
        `Another process has held ${path} for 15 minutes: end it, then try again.`,
      );
    }
    await sleep(50 + Math.random() * 50);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function acquire(path, content) {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Of all who find the same dead holder, only one may remove its lock. */
function breakIfAbandoned(path) {
  const holder = readHolder(path);
  if (holder === undefined) return true;
  if (holder === 'unfinished' ? age(path) < MOMENT_MS : isRunning(holder)) return false;
  const id = holder === 'unfinished' ? 'unfinished' : holder.id;
  const breaking = `${path}.${id}`;
  if (!acquire(breaking, '')) {
    if (age(breaking) > MOMENT_MS) rmSync(breaking, { force: true });
    return true;
  }
  const now = readHolder(path);
  if (now === holder || now?.id === id) rmSync(path, { force: true });
  rmSync(breaking, { force: true });
  return true;
}

function readHolder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return error.code === 'ENOENT' ? undefined : 'unfinished';
  }
}

function age(path) {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

function isRunning({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return started === '' || started === startOf(pid);
}

/** Tells a process from a later one with its number; Linux only, empty elsewhere. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
