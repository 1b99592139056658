import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addLineOptions, type LineOptions } from './line-options.ts';

const HELP = `
Lists the directory now, compares, and stores a plan. Nothing is applied, whatever
the mode of the connection is: look at the plan, then \`rollcall sweep apply\` it.

Somebody who is missing for the first time is only suspected: a second look-up,
confirm_after later, has to say the same before access is taken.

  -  loses access    ~  roles change    ?  suspected    +  comes back    !  skipped

Exit codes: 0 no changes, 2 changes are pending, 3 the brake holds them,
4 the directory did not answer in full (nothing is concluded), 1 error.

Examples:
  $ rollcall sweep plan acme
  $ rollcall sweep plan acme --json | jq .tally`;

/** `rollcall sweep plan CONNECTION` */
export function addSweepPlan(parent: Command, run: Run): void {
  const command = parent
    .command('plan')
    .summary('who would lose access, if the roll were called now?')
    .description('Calls the roll and shows what would change. Applies nothing.')
    .argument('<connection>', 'which connection');
  addLineOptions(command)
    .addHelpText('after', HELP)
    .action((connection: string, options: LineOptions, self: Command) =>
      run(self, async (invocation) => {
        const { plan } = await import('../commands/sweep-plan.ts');
        return plan(connection, options, invocation);
      }),
    );
}
