import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

const HELP = `
Exit 0 is yes, 1 is no. An error is 1 too: then nothing is on standard output, or,
with --json, there is an "error" and no "can".

Examples:
  $ rollcall can ada@acme.example analyst && echo yes
  $ rollcall can acme:00u1a2b3 admin --json | jq .can`;

/** `rollcall can USER ROLE` */
export function addCan(parent: Command, run: Run): void {
  parent
    .command('can')
    .summary('say whether a user has a role now, and why')
    .description('Says whether a user can act in a role now, with the reason; exit 0 yes, 1 no.')
    .argument('<user>', 'whom to ask about')
    .argument('<role>', 'the role')
    .addHelpText('after', HELP)
    .action((user: string, role: string, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { can } = await import('../commands/can.ts');
        return can(user, role, invocation);
      }),
    );
}
