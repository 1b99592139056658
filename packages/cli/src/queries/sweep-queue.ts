import type { Foundation } from '@rollcall/shared/engine/foundation';
import { type JobQueue, openQueues } from '@rollcall/shared/queue/queues';
import { SWEEP_QUEUE } from '@rollcall/sweeper/jobs/payload';

/**
 * Works on the queue of the sweeps, and closes it after. Null where no worker has made
 * the queue yet: whoever only looks makes nothing.
 */
export async function withSweepQueue<T>(
  foundation: Foundation,
  work: (queue: JobQueue) => Promise<T>,
): Promise<T | null> {
  if (!(await isMade(foundation))) return null;
  const queue = (await openQueues(foundation)).queue(SWEEP_QUEUE);
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

async function isMade({ engine, pool }: Foundation): Promise<boolean> {
  if (engine.kind === 'redis') return true;
  const { rows } = await pool.query("select to_regclass('bullmq.job') is not null as there");
  return rows[0]?.there === true;
}
