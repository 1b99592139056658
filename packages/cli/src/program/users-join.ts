import type { Command } from 'commander';
import type { JoinOptions } from '../commands/users-join.ts';
import type { Run } from '../invocation.ts';

const JOIN_HELP = `
Says that two records, of two connections as a rule, are of one person. Each keeps
its own life, roles and sweep; but by whichever connection the person signs in, they
have the roles of all their records with access, and apps see the id of FIRST. All
their sessions end, so that nobody's rights grow while they are signed in. Nothing
else ever joins records: not an e-mail, not a name.

Example:
  $ rollcall users join acme:00u1a2b3 globex:77f0 --reason "moved to Globex, ticket 812"`;

const SEPARATE_HELP = `
Makes a record stand alone again. All sessions of the person end.

Example:
  $ rollcall users separate globex:77f0 --reason "two people after all"`;

/** `rollcall users join` and `separate` */
export function addUsersJoin(parent: Command, run: Run): void {
  parent
    .command('join')
    .summary('say that two records are of one person')
    .description('Joins two records of one person.')
    .argument('<first>', 'the user whose id the person gets')
    .argument('<second>', 'the user who is the same person')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', JOIN_HELP)
    .action((first: string, second: string, options: JoinOptions, command: Command) =>
      run(command, async (invocation) => {
        const { join } = await import('../commands/users-join.ts');
        return join({ first, second }, options, invocation);
      }),
    );
  parent
    .command('separate')
    .summary('make a joined record stand alone again')
    .description('Separates a record from the others of the person.')
    .argument('<user>', 'the record')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', SEPARATE_HELP)
    .action((text: string, options: JoinOptions, command: Command) =>
      run(command, async (invocation) => {
        const { separate } = await import('../commands/users-join.ts');
        return separate(text, options, invocation);
      }),
    );
}
