import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { readConnections } from '../queries/known-connections.ts';
import { connectionToJson, renderConnections } from '../render/connection.ts';

export async function list(invocation: Invocation): Promise<ExitCode> {
  const { config, connections, now } = await readConnections(invocation, undefined);
  const { terminal, json } = invocation;
  if (json) {
    terminal.printJson({
      connections: connections.map((known) => connectionToJson(config, known, now)),
    });
  } else terminal.print(renderConnections(connections, now, terminal.colors));
  return EXIT.ok;
}
