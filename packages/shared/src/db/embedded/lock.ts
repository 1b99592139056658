import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { busy } from './failure.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

interface Holder extends ProcessIdentity {
  readonly id: string;
}

/** An unfinished lock file, or one held while another is removed, is this old only after a crash. */
const MOMENT_MS = 10_000;

/**
 * Runs `work` while this process alone holds the lock file `path`. A lock whose
 * holder has died is taken over, so a killed process blocks nobody.
 *
 * @param seconds how long to wait for a living holder.
 * @throws AppError `database.embedded_busy`
 */
export async function withLock<T>(
  path: string,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const holder: Holder = { ...identify(), id: randomUUID() };
  const deadline = performance.now() + seconds * 1000;
  while (!(await acquire(path, JSON.stringify(holder)))) {
    await breakIfAbandoned(path);
    if (performance.now() > deadline) throw busy(`Another process that uses ${path}`, seconds);
    await sleep(20 + Math.random() * 30);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Two waiters may find the same dead holder. Only the one that creates the file
 * named after that holder removes the lock, and only if the holder is still the
 * same; otherwise the slower one would remove the faster one's fresh lock.
 */
async function breakIfAbandoned(path: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder === undefined || (holder !== 'unfinished' && isRunning(holder))) return;
  if (holder === 'unfinished' && (await age(path)) < MOMENT_MS) return;
  const id = holder === 'unfinished' ? 'unfinished' : holder.id;
  const breaking = `${path}.${id}`;
  if (!(await acquire(breaking, ''))) {
    if ((await age(breaking)) > MOMENT_MS) await rm(breaking, { force: true });
    return;
  }
  const now = await readHolder(path);
  const same = now === holder || (typeof now === 'object' && now.id === id);
  if (same) await rm(path, { force: true });
  await rm(breaking, { force: true });
}

async function readHolder(path: string): Promise<Holder | 'unfinished' | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return 'unfinished';
  }
}

async function age(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}
