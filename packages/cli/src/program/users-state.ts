import type { Command } from 'commander';
import type { StateOptions } from '../commands/users-state.ts';
import type { Run } from '../invocation.ts';

const DEACTIVATE_HELP = `
Sessions end at once on every instance, and every sign-in is refused until an
administrator reactivates the user: no sweep and no assertion does. Roles are kept.
Joined records are deactivated together. The last holder of a privileged role stays.

Example:
  $ rollcall users deactivate ada@acme.example --reason "lost laptop, case 4711"`;

const REACTIVATE_HELP = `
Undoes \`users deactivate\`, with the roles as they were. Whom the sweep has taken
out, the sweep lets in again when the directory lists them; whom SCIM has, SCIM.

Example:
  $ rollcall users reactivate ada@acme.example --reason "case 4711 is closed"`;

/** `rollcall users deactivate` and `reactivate` */
export function addUsersState(parent: Command, run: Run): void {
  parent
    .command('deactivate')
    .summary('end the access of a user')
    .description('Ends the access of a user, until an administrator gives it back.')
    .argument('<user>', 'whose access ends')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', DEACTIVATE_HELP)
    .action((text: string, options: StateOptions, command: Command) =>
      run(command, async (invocation) => {
        const { change } = await import('../commands/users-state.ts');
        return change('deactivate', text, options, invocation);
      }),
    );
  parent
    .command('reactivate')
    .summary('give back the access that an administrator ended')
    .description('Gives a user back the access that an administrator has ended.')
    .argument('<user>', 'who gets access back')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', REACTIVATE_HELP)
    .action((text: string, options: StateOptions, command: Command) =>
      run(command, async (invocation) => {
        const { change } = await import('../commands/users-state.ts');
        return change('restore', text, options, invocation);
      }),
    );
}
