import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { withSweepQueue } from '../queries/sweep-queue.ts';
import { type JobsState, jobsToJson, renderJobs } from '../render/jobs.ts';

/** More than the queue keeps. */
const ALL = 1_000;

const NOTHING: JobsState = {
  counts: { waiting: 0, active: 0, delayed: 0, dead: 0 },
  schedules: [],
  dead: [],
};

export async function list(limit: number, invocation: Invocation): Promise<ExitCode> {
  const state = await onQueue(invocation, NOTHING, async (queue) => ({
    counts: await queue.counts(),
    schedules: (await queue.schedules()).toSorted((a, b) => (a.nextAt ?? 0) - (b.nextAt ?? 0)),
    dead: await queue.dead(limit),
  }));
  const { terminal, json } = invocation;
  if (json) terminal.printJson(jobsToJson(state));
  else terminal.print(renderJobs(state, currentTime(), terminal.colors));
  return EXIT.ok;
}

export async function retry(job: string | null, invocation: Invocation): Promise<ExitCode> {
  const retried = await onQueue(invocation, 0, async (queue) => {
    const ids = job === null ? (await queue.dead(ALL)).map(({ id }) => id) : [job];
    let count = 0;
    for (const id of ids) if (await queue.retryDead(id)) count += 1;
    return count;
  });
  if (job !== null && retried === 0) throw notDead(job);
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ retried });
  else terminal.print(`${retried} to be tried again.`);
  return EXIT.ok;
}

export async function drop(job: string, invocation: Invocation): Promise<ExitCode> {
  const dropped = await onQueue(invocation, false, (queue) => queue.dropDead(job));
  if (!dropped) throw notDead(job);
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ dropped: job });
  else terminal.print(`Job ${job} is dropped.`);
  return EXIT.ok;
}

function onQueue<T>(
  invocation: Invocation,
  otherwise: T,
  work: (queue: JobQueue) => Promise<T>,
): Promise<T> {
  return withFoundation(
    invocation,
    { engine: true },
    async ({ foundation }) => (await withSweepQueue(foundation, work)) ?? otherwise,
  );
}

function notDead(job: string): AppError {
  return new AppError(
    'job.not_dead',
    `Job ${job.slice(0, 80)} has not failed for good: \`rollcall jobs list\` shows what has.`,
    { detail: { received: job.slice(0, 80) } },
  );
}
