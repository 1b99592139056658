import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { readConnections } from '../queries/known-connections.ts';
import { connectionToJson, renderConnection } from '../render/connection.ts';

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
      run(command, (invocation) => show(id, invocation)),
    );
}

async function show(id: string, invocation: Invocation): Promise<ExitCode> {
  const { config, connections, now } = await readConnections(invocation, id);
  const { terminal, json } = invocation;
  for (const known of connections) {
    if (json) terminal.printJson(connectionToJson(config, known, now));
    else terminal.print(renderConnection(config, known, now, terminal.colors));
  }
  return EXIT.ok;
}
