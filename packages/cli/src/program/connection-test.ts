import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { readConnection } from './accept.ts';

const HELP = `
Prints an address that works once, within ten minutes. Whoever opens it signs in at the
identity provider, and sees what it asserts and which roles follow; you see it here. No
user, role or session is made: only the audit trail says that there was a test. The
service has to run. Exit 1: such a sign-in would be refused.

Examples:
  $ rollcall connection test acme
  $ rollcall connection test acme --json | jq .failure`;

/** `rollcall connection test CONNECTION` */
export function addConnectionTest(parent: Command, run: Run): void {
  parent
    .command('test')
    .summary('try a sign-in that writes nothing')
    .description('Tries a sign-in that writes nothing, and shows step by step what came of it.')
    .argument('<connection>', 'which one', readConnection)
    .addHelpText('after', HELP)
    .action((id: ConnectionId, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { test } = await import('../commands/connection-test.ts');
        return test(id, invocation);
      }),
    );
}
