import type { Command } from 'commander';
import type { RejectOptions } from '../commands/sweep-reject.ts';
import type { Run } from '../invocation.ts';

const HELP = `
Nothing of the plan can be applied any more, and whoever was contained for it is
released. Until the plan would have expired, the same lines wait quietly in the
plans that follow: nobody is contained for them, and nobody is told again.

Example:
  $ rollcall sweep reject 9b02d4e1 --reason "the directory lost a group"`;

/** `rollcall sweep reject PLAN` */
export function addSweepReject(parent: Command, run: Run): void {
  parent
    .command('reject')
    .summary('say no to a plan that waits')
    .description('Rejects a plan that waits, and releases whoever was contained for it.')
    .argument('<plan>', 'its digest, the first six or more digits of it, or the id of its run')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who rejects it (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((name: string, options: RejectOptions, command: Command) =>
      run(command, async (invocation) => {
        const { reject } = await import('../commands/sweep-reject.ts');
        return reject(name, options, invocation);
      }),
    );
}
