import type { Command } from 'commander';
import type { ApproveOptions } from '../commands/sweep-approve.ts';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const HELP = `
PLAN: approves a plan that waits, without applying it. --people is the number of
people who lose access or a role, as \`sweep show\` tells it. Where two people have
to approve, each does so once. \`sweep apply --approve\` does both at once.

CONNECTION: when many people have really left, every further listing is "shrunk"
and proves nothing, for it is compared with the last complete one. With --rows,
this accepts the size of the latest listing. It takes nothing from anybody: the
next sweep is compared with that size, and its plan goes the usual way.

Exit codes: 0 approved, 3 another person's approval is missing, 1 error.

Examples:
  $ rollcall sweep approve 9b02d4e1 --people 214 --reason "the Lyon office has closed"
  $ rollcall sweep approve acme --rows 412 --reason "the Lyon office has closed"`;

const MOST = 2_000_000_000;

/** `rollcall sweep approve PLAN` and `rollcall sweep approve CONNECTION` */
export function addSweepApprove(parent: Command, run: Run): void {
  parent
    .command('approve')
    .summary('approve a plan, or the size of a listing that has shrunk')
    .description('Approves a plan that waits, or the size of a listing, which had shrunk.')
    .argument('<what>', 'a plan (with --people) or the id of a connection (with --rows)')
    .option('--people <number>', 'how many people the plan takes from', readWithin(0, MOST))
    .option('--rows <number>', 'how many rows the listing had', readWithin(1, MOST))
    .requiredOption('--reason <text>', 'why it is right; kept in the audit trail')
    .option('--by <name>', 'who approves it (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((name: string, options: ApproveOptions, command: Command) =>
      run(command, async (invocation) => {
        const { approve } = await import('../commands/sweep-approve.ts');
        return approve(name, options, invocation);
      }),
    );
}
