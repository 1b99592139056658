import type { Command } from 'commander';
import type { ApplyOptions } from '../commands/sweep-apply.ts';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const HELP = `
Every line is checked again as it is applied: whoever has signed in since, or was
changed by somebody else, is left alone.

A plan that the brake holds needs --approve with the number of people who would
lose something, as \`sweep show\` tells it, and a reason. The approval covers this
one plan and ends with it. Where it takes from a large share of the people, two
people have to approve it: the second one's approval applies it.

Exit codes: 0 applied, 3 held, or another person's approval is missing (nothing was
applied), 1 error.

Examples:
  $ rollcall sweep apply 7f3c0a12
  $ rollcall sweep apply 9b02d4e1 --approve 214 --reason "the Lyon office has closed"`;

/** `rollcall sweep apply PLAN` */
export function addSweepApply(parent: Command, run: Run): void {
  parent
    .command('apply')
    .summary('apply a plan that waits')
    .description('Applies a plan that waits, and approves it first where the brake holds it.')
    .argument('<plan>', 'its digest, the first six or more digits of it, or the id of its run')
    .option(
      '--approve <number>',
      'approve a held plan that takes something from so many people',
      readWithin(0, 2_000_000_000),
    )
    .option('--reason <text>', 'why it is approved; kept in the audit trail')
    .option('--by <name>', 'who applies it (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((name: string, options: ApplyOptions, command: Command) =>
      run(command, async (invocation) => {
        const { apply } = await import('../commands/sweep-apply.ts');
        return apply(name, options, invocation);
      }),
    );
}
