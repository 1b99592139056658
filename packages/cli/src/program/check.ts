import { type Command, Option } from 'commander';
import type { CheckOptions } from '../commands/check.ts';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const HELP = `
Reads every secret that the configuration refers to, and the metadata of every
identity provider. No database is opened and no directory is asked.

With --against-users the database is opened, and read only: whose roles would the
rules of this file change at the next sign-in? Compared with what everybody holds, or,
with --from OLD, with what the rules of another file would give. Exit 2: somebody's.

Examples:
  $ rollcall check
  $ rollcall check --config new.yaml --against-users
  $ rollcall check --config new.yaml --against-users --from rollcall.yaml
  $ rollcall check --config rollcall.yaml --json | jq '.connections[].certificates'`;

/** `rollcall check` */
export function addCheck(parent: Command, run: Run): void {
  parent
    .command('check')
    .summary('check the configuration, its secrets and its certificates')
    .description(
      'Checks the configuration, its secrets, and the metadata and certificates of its identity providers.',
    )
    .option('--against-users', 'preview whose roles the rules of this file would change')
    .addOption(
      new Option('--from <file>', 'compare with the rules of another file').implies({
        againstUsers: true,
      }),
    )
    .option('--limit <number>', 'how many people to list, 1 to 10000', readWithin(1, 10_000), 50)
    .addHelpText('after', HELP)
    .action((options: CheckOptions, command: Command) =>
      run(command, async (invocation) => {
        if (options.againstUsers === true) {
          const { checkAgainstUsers } = await import('../commands/check-against-users.ts');
          return checkAgainstUsers(options, invocation);
        }
        const { check } = await import('../commands/check.ts');
        return check(invocation);
      }),
    );
}
