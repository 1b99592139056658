import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

const HELP = `
USER is the id, connection:subject, the subject, the directory id or the e-mail.
Why somebody has a role, or has none, is told by \`rollcall explain\`.

Examples:
  $ rollcall users show ada@acme.example
  $ rollcall users show acme:00u1a2b3 --json | jq -r .state`;

/** `rollcall users show USER` */
export function addUsersShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .summary('show one user')
    .description('Shows one user: state, roles, protection, sessions, joined records.')
    .argument('<user>', 'whom to show')
    .addHelpText('after', HELP)
    .action((text: string, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { show } = await import('../commands/users-show.ts');
        return show(text, invocation);
      }),
    );
}
