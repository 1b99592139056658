import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { withSweepQueue } from '../queries/sweep-queue.ts';
import { type JobsState, jobsToJson, renderJobs } from '../render/jobs.ts';
import { readWithin } from './page-options.ts';

const LIST_HELP = `
A sweep that its directory did not answer is tried again, and then left to the next
one. A job fails for good after three attempts that failed here: the database was
away, a secret could not be read, a bug. It stays listed until it is retried or
dropped; of each connection only the newest, of all of them the newest 500.

Examples:
  $ rollcall jobs list
  $ rollcall jobs list --json | jq '.dead[]'`;

const RETRY_HELP = `
Examples:
  $ rollcall jobs retry                everything that failed for good
  $ rollcall jobs retry 4711           one job`;

const DROP_HELP = `
Nothing is lost by it where the connection has been swept since: each sweep decides
about everybody anew.

Example:
  $ rollcall jobs drop 4711`;

/** More than the queue keeps. */
const ALL = 1_000;

/** `rollcall jobs …` */
export function addJobs(parent: Command, run: Run): void {
  const jobs = parent
    .command('jobs')
    .summary('what the workers have to do: list, retry and drop what failed')
    .description('The queue of the sweeps: when each connection is due, and what failed for good.');
  jobs
    .command('list')
    .summary('list schedules, and jobs that failed for good')
    .description('Lists when each connection is swept next, and the jobs that failed for good.')
    .option('--limit <number>', 'how many failed jobs, 1 to 500', readWithin(1, 500), 50)
    .addHelpText('after', LIST_HELP)
    .action((options: { limit: number }, command: Command) =>
      run(command, (invocation) => list(options.limit, invocation)),
    );
  jobs
    .command('retry')
    .summary('try again what failed for good')
    .description('Has jobs that failed for good tried again, by whichever worker is free.')
    .argument('[job]', 'the id of one job (default: all of them)')
    .addHelpText('after', RETRY_HELP)
    .action((job: string | undefined, _options: object, command: Command) =>
      run(command, (invocation) => retry(job ?? null, invocation)),
    );
  jobs
    .command('drop')
    .summary('drop a job that failed for good')
    .description('Drops a job that failed for good.')
    .argument('<job>', 'the id of the job')
    .addHelpText('after', DROP_HELP)
    .action((job: string, _options: object, command: Command) =>
      run(command, (invocation) => drop(job, invocation)),
    );
}

const NOTHING: JobsState = {
  counts: { waiting: 0, active: 0, delayed: 0, dead: 0 },
  schedules: [],
  dead: [],
};

async function list(limit: number, invocation: Invocation): Promise<ExitCode> {
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

async function retry(job: string | null, invocation: Invocation): Promise<ExitCode> {
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

async function drop(job: string, invocation: Invocation): Promise<ExitCode> {
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
