import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

const HELP = `
What it trusts is read from the database, where the service keeps it: no identity
provider is asked. \`rollcall check\` and \`rollcall doctor\` ask.

Examples:
  $ rollcall connection show acme
  $ rollcall connection show acme --json | jq -r .sp.acs_url`;

/** `rollcall connection show` */
export function addConnectionShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .summary('show a connection, and what its identity provider has to know')
    .description('Shows a connection: what it trusts, since when, and our addresses for it.')
    .argument('<connection>', 'the id of the connection')
    .addHelpText('after', HELP)
    .action((id: string, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { show } = await import('../commands/connection-show.ts');
        return show(id, invocation);
      }),
    );
}
