import { setTimeout as sleep } from 'node:timers/promises';

/** Work that never runs twice at once. */
export interface SingleRun {
  /** Runs it, or waits for the run that is under way. */
  (): Promise<void>;
  /** Settles once nothing runs. */
  idle(): Promise<void>;
}

/** Makes work that never runs twice at once. */
export function singly(work: () => Promise<void>): SingleRun {
  let running: Promise<void> | null = null;
  const run = (): Promise<void> => {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  };
  return Object.assign(run, { idle: async () => void (await running?.catch(() => undefined)) });
}

/** Runs work on each item, on so many at once. Whatever one of them throws comes out at the end. */
export async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    // One iterator for all: each takes the next that is left.
    for (const item of waiting) await work(item);
  });
  await Promise.all(workers);
}

/** Waits for work, and no longer than so many milliseconds. It goes on all the same. */
export async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const late = sleep(ms, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([work, late]).finally(() => done.abort());
}
