import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addLineOptions, type LineOptions } from './line-options.ts';

const HELP = `
PLAN is the id of its run, its digest, or the first six or more digits of it.

Examples:
  $ rollcall sweep show 7f3c0a12
  $ rollcall sweep show 7f3c0a12 --kind deactivate --role admin
  $ rollcall sweep show 7f3c0a12 --outcome skipped --limit 10000
  $ rollcall sweep show 7f3c0a12 --json | jq '.lines[] | select(.decision == "deactivate")'`;

/** `rollcall sweep show PLAN` */
export function addSweepShow(parent: Command, run: Run): void {
  const command = parent
    .command('show')
    .summary('show a plan, and what became of it')
    .description('Shows a plan line by line, and what became of each line.')
    .argument('<plan>', 'which plan');
  addLineOptions(command)
    .addHelpText('after', HELP)
    .action((name: string, options: LineOptions, self: Command) =>
      run(self, async (invocation) => {
        const { show } = await import('../commands/sweep-show.ts');
        return show(name, options, invocation);
      }),
    );
}
