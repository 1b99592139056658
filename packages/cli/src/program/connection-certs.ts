import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

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
      run(command, async (invocation) => {
        const { list } = await import('../commands/connection-certs.ts');
        return list(id, invocation);
      }),
    );
}
