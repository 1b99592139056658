import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
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
      run(command, async (invocation) => {
        const { list } = await import('../commands/jobs.ts');
        return list(options.limit, invocation);
      }),
    );
  jobs
    .command('retry')
    .summary('try again what failed for good')
    .description('Has jobs that failed for good tried again, by whichever worker is free.')
    .argument('[job]', 'the id of one job (default: all of them)')
    .addHelpText('after', RETRY_HELP)
    .action((job: string | undefined, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { retry } = await import('../commands/jobs.ts');
        return retry(job ?? null, invocation);
      }),
    );
  jobs
    .command('drop')
    .summary('drop a job that failed for good')
    .description('Drops a job that failed for good.')
    .argument('<job>', 'the id of the job')
    .addHelpText('after', DROP_HELP)
    .action((job: string, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { drop } = await import('../commands/jobs.ts');
        return drop(job, invocation);
      }),
    );
}
