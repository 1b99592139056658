import { type SessionId, toSessionId } from '@rollcall/shared/core/ids';
import { type Command, Option } from 'commander';
import type { RevokeOptions } from '../commands/sessions-revoke.ts';
import type { Run } from '../invocation.ts';
import { accept, readConnection } from './accept.ts';

const HELP = `
Say exactly one of --user, --connection and --session. The sessions end at once on
every instance, and so does a sign-in that has been begun. Accounts and roles stay:
whoever may sign in signs in again.

Examples:
  $ rollcall sessions revoke --user ada@acme.example --reason "lost laptop"
  $ rollcall sessions revoke --connection acme --reason "the IdP's key has leaked"
  $ rollcall sessions revoke --session 0b8e0c2e-7d3c-4c59-9a51-0f6d3f1f4b7e`;

/** `rollcall sessions revoke` */
export function addSessionsRevoke(parent: Command, run: Run): void {
  parent
    .command('revoke')
    .summary('end sessions of a user or connection, or one')
    .description('Ends sessions, at once on every instance.')
    .addOption(new Option('--user <user>', 'all of one user').conflicts(['connection', 'session']))
    .addOption(
      new Option('--connection <id>', 'all by one connection')
        .argParser(readConnection)
        .conflicts(['user', 'session']),
    )
    .addOption(
      new Option('--session <id>', 'only this one')
        .argParser(readSession)
        .conflicts(['user', 'connection']),
    )
    .option('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who revokes (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((options: RevokeOptions, command: Command) =>
      run(command, async (invocation) => {
        const { revoke } = await import('../commands/sessions-revoke.ts');
        return revoke(options, invocation);
      }),
    );
}

function readSession(text: string): SessionId {
  return accept(() => toSessionId(text), 'the id of a session, as `sessions list` shows it');
}
