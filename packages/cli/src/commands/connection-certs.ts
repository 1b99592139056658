import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { readConnections } from '../queries/known-connections.ts';
import { certificateToJson } from '../render/certificate.ts';
import { renderCertificates } from '../render/connection.ts';

export async function list(id: string | undefined, invocation: Invocation): Promise<ExitCode> {
  const { connections, now } = await readConnections(invocation, id);
  const { terminal, json } = invocation;
  if (json) {
    const certificates = connections.flatMap(({ connection, certificates: all }) =>
      all.map((one) => ({ connection: connection.id, ...certificateToJson(one, now) })),
    );
    terminal.printJson({ certificates });
  } else terminal.print(renderCertificates(connections, now, terminal.colors));
  return EXIT.ok;
}
