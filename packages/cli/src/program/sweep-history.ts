import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const HELP = `
Examples:
  $ rollcall sweep history
  $ rollcall sweep history acme --limit 200 --json`;

/** `rollcall sweep history` */
export function addSweepHistory(parent: Command, run: Run): void {
  parent
    .command('history')
    .summary('list the sweeps that have been')
    .description('Lists the sweeps that have been, newest first, and what came of each.')
    .argument('[connection]', 'only those of one connection')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1000), 20)
    .addHelpText('after', HELP)
    .action((connection: string | undefined, { limit }: { limit: number }, command: Command) =>
      run(command, async (invocation) => {
        const { listSweeps } = await import('../commands/sweep-history.ts');
        return listSweeps(connection, limit, invocation);
      }),
    );
}
