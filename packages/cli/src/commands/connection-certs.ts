import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { readConnections } from '../queries/known-connections.ts';
import { certificateToJson } from '../render/certificate.ts';
import { renderCertificates } from '../render/connection.ts';

const HELP = `
trusted    its key may sign
withdrawn  the metadata no longer names it; trusted for the overlap, so that
           answers of the old key are still good, and not after
refused    it stood in metadata that no pinned key had signed: never trusted
!          it ends within 30 days, or has ended

Examples:
  $ rollcall connection certs
  $ rollcall connection certs acme --json | jq '.certificates[] | select(.days_left < 30)'`;

/** `rollcall connection certs` */
export function addConnectionCerts(parent: Command, run: Run): void {
  parent
    .command('certs')
    .summary('list certificates: trusted, withdrawn, refused, ending')
    .description('Lists the certificates of identity providers and of our own keys.')
    .argument('[connection]', 'only those of one connection')
    .addHelpText('after', HELP)
    .action((id: string | undefined, _options: object, command: Command) =>
      run(command, (invocation) => list(id, invocation)),
    );
}

async function list(id: string | undefined, invocation: Invocation): Promise<ExitCode> {
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
