import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { readConnections } from '../queries/known-connections.ts';
import { connectionToJson, renderConnection } from '../render/connection.ts';

export async function show(id: string, invocation: Invocation): Promise<ExitCode> {
  const { config, connections, now } = await readConnections(invocation, id);
  const { terminal, json } = invocation;
  for (const known of connections) {
    if (json) terminal.printJson(connectionToJson(config, known, now));
    else terminal.print(renderConnection(config, known, now, terminal.colors));
  }
  return EXIT.ok;
}
