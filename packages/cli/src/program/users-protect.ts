import type { Command } from 'commander';
import type { ProtectOptions } from '../commands/users-protect.ts';
import type { Run } from '../invocation.ts';

const HELP = `
No sweep and no sign-in takes access or roles from whoever is protected; an
administrator still can. Whom \`protect:\` of the configuration names is protected
in any case, and --off does not change that.

Examples:
  $ rollcall users protect ada@acme.example --reason "break-glass account"
  $ rollcall users protect ada@acme.example --off`;

/** `rollcall users protect USER` */
export function addUsersProtect(parent: Command, run: Run): void {
  parent
    .command('protect')
    .summary('keep everything automatic away from a user')
    .description('Keeps everything automatic away from the access of a user.')
    .argument('<user>', 'whom to protect')
    .option('--off', 'protect no longer')
    .option('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((text: string, options: ProtectOptions, command: Command) =>
      run(command, async (invocation) => {
        const { protect } = await import('../commands/users-protect.ts');
        return protect(text, options, invocation);
      }),
    );
}
