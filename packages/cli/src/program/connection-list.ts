import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

const HELP = `
ok           what it trusts is up to date
stale        its metadata cannot be fetched; the last good copy is used
unavailable  nobody can sign in by it: \`rollcall connection show\` says why

Examples:
  $ rollcall connection list
  $ rollcall connection list --json | jq '.connections[] | select(.state != "ok")'`;

/** `rollcall connection list` */
export function addConnectionList(parent: Command, run: Run): void {
  parent
    .command('list')
    .summary('list connections and how they are')
    .description('Lists the connections of the configuration, and how the service finds them.')
    .addHelpText('after', HELP)
    .action((_options: object, command: Command) =>
      run(command, async (invocation) => {
        const { list } = await import('../commands/connection-list.ts');
        return list(invocation);
      }),
    );
}
