import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { readConnections } from '../queries/known-connections.ts';
import { connectionToJson, renderConnections } from '../render/connection.ts';

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
    .action((_options: object, command: Command) => run(command, list));
}

async function list(invocation: Invocation): Promise<ExitCode> {
  const { config, connections, now } = await readConnections(invocation, undefined);
  const { terminal, json } = invocation;
  if (json) {
    terminal.printJson({
      connections: connections.map((known) => connectionToJson(config, known, now)),
    });
  } else terminal.print(renderConnections(connections, now, terminal.colors));
  return EXIT.ok;
}
