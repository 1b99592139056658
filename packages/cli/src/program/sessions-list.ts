import { type SessionId, toSessionId } from '@rollcall/shared/core/ids';
import type { Command } from 'commander';
import type { ListOptions } from '../commands/sessions-list.ts';
import type { Run } from '../invocation.ts';
import { accept, readConnection } from './accept.ts';
import { readWithin } from './page-options.ts';

const HELP = `
The newest come first. USER is what \`rollcall explain\` takes: the id,
connection:subject, the subject, the directory id or the e-mail. --all lists those,
too, that admit nobody any more, and says why. A full page ends with the --after of
the next one.

Examples:
  $ rollcall sessions list
  $ rollcall sessions list --user ada@acme.example --all
  $ rollcall sessions list --connection acme --json | jq -r '.sessions[].id'`;

/** `rollcall sessions list` */
export function addSessionsList(parent: Command, run: Run): void {
  parent
    .command('list')
    .summary('list who is signed in')
    .description('Lists live sessions.')
    .option('--user <user>', 'only those of one user')
    .option('--connection <id>', 'only those by one connection', readConnection)
    .option('--all', 'those, too, that have ended')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1000), 100)
    .option('--after <id>', 'go on after this session id', readSessionId)
    .addHelpText('after', HELP)
    .action((options: ListOptions, command: Command) =>
      run(command, async (invocation) => {
        const { list } = await import('../commands/sessions-list.ts');
        return list(options, invocation);
      }),
    );
}

function readSessionId(text: string): SessionId {
  return accept(() => toSessionId(text), 'the id of a session, as `sessions list` shows it');
}
