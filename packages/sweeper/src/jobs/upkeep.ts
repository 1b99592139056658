import { setTimeout as wait } from 'node:timers/promises';
import { repairSchedules, type Scheduled } from './schedule.ts';
import { tendWhatIsHeld } from './tend.ts';
import type { SweepWork } from './work.ts';

/** How often the schedules are looked after, in milliseconds. */
const EVERY_MS = 60_000;

/**
 * Looks after the schedules and held plans until the signal is aborted: a queue that has lost its memory,
 * or could not be reached when the next job was due, would never sweep again by itself.
 */
export async function lookAfterSchedules(
  work: SweepWork,
  sweeps: readonly Scheduled[],
  signal: AbortSignal,
  everyMs: number = EVERY_MS,
): Promise<void> {
  while (!signal.aborted) {
    // Not all workers in the same moment.
    const pauseMs = everyMs * (0.5 + Math.random());
    await wait(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await repairSchedules(work.queue, sweeps, work.tools.clock());
      await tendWhatIsHeld(work.queue, work.tools.db, work.sweeps.values());
    } catch (error) {
      work.tools.log.warn({ event: 'sweep.schedules_not_kept', err: error });
    }
  }
}
