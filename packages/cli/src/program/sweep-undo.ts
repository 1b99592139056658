import type { Command } from 'commander';
import type { UndoOptions } from '../commands/sweep-undo.ts';
import type { Run } from '../invocation.ts';

const HELP = `
State and roles of everybody whom the plan changed become what they were, to the
byte. Sessions that ended stay ended: people sign in again. Whoever was changed by
anything newer (an administrator, a sign-in, a later sweep) is left alone.

Broken off half-way, the same command goes on where it ended. Afterwards sweeps of
the connection only plan, until you have approved a plan, or one takes nothing
from anybody.

Example:
  $ rollcall sweep undo 9b02d4e1 --reason "the directory lost a group"`;

/** `rollcall sweep undo PLAN` */
export function addSweepUndo(parent: Command, run: Run): void {
  parent
    .command('undo')
    .summary('take back what a plan did')
    .description('Takes back what a plan did: state and roles as they were, not sessions.')
    .argument('<plan>', 'its digest, the first six or more digits of it, or the id of its run')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who takes it back (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((name: string, options: UndoOptions, command: Command) =>
      run(command, async (invocation) => {
        const { undo } = await import('../commands/sweep-undo.ts');
        return undo(name, options, invocation);
      }),
    );
}
