import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@rollcall/shared/core/errors';
import { withLock } from '@rollcall/shared/db/embedded/lock';
import {
  identify,
  isRunning,
  type ProcessIdentity,
} from '@rollcall/shared/db/embedded/process-identity';
import { guard, readStateFile, writeStateFile } from '../state-folder.ts';

const FILE = 'running.json';
const LOCK = 'running.lock';
const LOCK_SECONDS = 20;
/** How long a process takes at most from its end to its disappearance, in milliseconds. */
const LAST_MOMENTS_MS = 1_000;

/**
 * Makes this process the only one that runs the demo of a folder: two would
 * write the same files. One that was killed does not count. Answers with what
 * gives the place up. Throws `demo.already_running`.
 */
export async function becomeTheDemo(folder: string): Promise<() => Promise<void>> {
  const own = identify();
  await inTurn(folder, async () => {
    const other = readHolder(await readStateFile(folder, FILE));
    if (other !== null && !(await hasEnded(other))) throw alreadyRunning(folder, other.pid);
    await writeStateFile(folder, FILE, `${JSON.stringify(own)}\n`);
  });
  return () =>
    inTurn(folder, async () => {
      const holder = readHolder(await readStateFile(folder, FILE));
      if (holder?.pid === own.pid) await rm(join(folder, FILE), { force: true });
    });
}

/** One that was killed a moment ago may take another moment to be gone. */
async function hasEnded(holder: ProcessIdentity): Promise<boolean> {
  const deadline = performance.now() + LAST_MOMENTS_MS;
  while (isRunning(holder)) {
    if (performance.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

function inTurn(folder: string, work: () => Promise<void>): Promise<void> {
  return guard(folder, () => withLock(join(folder, LOCK), LOCK_SECONDS, work));
}

function alreadyRunning(folder: string, pid: number): AppError {
  return new AppError(
    'demo.already_running',
    `The demo of ${folder} runs already, as process ${pid}: stop it first, or start another one in a folder of its own.`,
    { detail: { pid } },
  );
}

function readHolder(text: string | null): ProcessIdentity | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const [pid, started] = [Reflect.get(value, 'pid'), Reflect.get(value, 'started')];
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : null;
  } catch {
    return null;
  }
}
