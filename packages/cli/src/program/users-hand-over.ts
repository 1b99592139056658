import { type Command, Option } from 'commander';
import type { HandOverOptions } from '../commands/users-hand-over.ts';
import type { Run } from '../invocation.ts';
import { readConnection } from './accept.ts';

const HELP = `
Says who answers for people from now on: a client over SCIM, or their sign-ins and
the sweep. Access, sessions and roles stay as they are. Without --apply it only shows
who would be handed over, and ends with 2.

To SCIM, people are given what a client looks them up by (userName: the e-mail,
externalId: the immutable id), so that it finds them at its next run.

Examples:
  $ rollcall users hand-over --connection acme --to scim
  $ rollcall users hand-over --connection acme --to scim --apply --reason "Okta pushes them now"
  $ rollcall users hand-over --user ada@acme.example --to jit --apply --reason "left the pilot"`;

/** `rollcall users hand-over` */
export function addUsersHandOver(parent: Command, run: Run): void {
  parent
    .command('hand-over')
    .summary('let SCIM answer for people, or their sign-ins again')
    .description('Hands people over to SCIM, or back to their sign-ins and the sweep.')
    .addOption(
      new Option('--to <receiver>', 'to whom').choices(['scim', 'jit']).makeOptionMandatory(),
    )
    .option('--connection <id>', 'everybody of a connection', readConnection)
    .option('--user <user>', 'one user')
    .option('--apply', 'do it, and do not only show it')
    .option('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((options: HandOverOptions, command: Command) =>
      run(command, async (invocation) => {
        const { handOver } = await import('../commands/users-hand-over.ts');
        return handOver(options, invocation);
      }),
    );
}
