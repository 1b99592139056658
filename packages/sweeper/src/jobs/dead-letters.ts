import type { DeadJob, Job } from '@rollcall/shared/queue/job';
import { type SweepPayload, sweepPayload } from './payload.ts';
import type { SweepWork } from './work.ts';

/** More than the queue keeps. */
const ALL = 1_000;

/** Which connection a dead letter is of; null where its payload makes no sense. */
export function connectionOf(job: Pick<DeadJob, 'payload'>): string | null {
  const parsed = sweepPayload.safeParse(job.payload);
  return parsed.success ? parsed.data.connectionId : null;
}

/**
 * Makes room for a job that has just failed for the last time: of a connection that fails
 * every quarter of an hour the newest dead letter is enough, and the others would push
 * those of other connections out. Never throws: the queue itself may be what fails.
 */
export async function buryJob(job: Job, payload: SweepPayload, work: SweepWork): Promise<void> {
  const { connectionId, trigger } = payload;
  work.tools.log.error({ event: 'sweep.dead_letter', connection: connectionId, job: job.id });
  try {
    for (const dead of await work.queue.dead(ALL)) {
      const parsed = sweepPayload.safeParse(dead.payload);
      if (!parsed.success || dead.id === job.id) continue;
      if (parsed.data.connectionId !== connectionId || parsed.data.trigger !== trigger) continue;
      await work.queue.dropDead(dead.id);
    }
  } catch (error) {
    work.tools.log.warn({ event: 'sweep.dead_letters_kept', connection: connectionId, err: error });
  }
}
