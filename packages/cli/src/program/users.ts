import { toUserId, type UserId } from '@rollcall/shared/core/ids';
import { USER_STATES } from '@rollcall/shared/core/lifecycle';
import { type Command, Option } from 'commander';
import type { ListOptions } from '../commands/users-list.ts';
import type { Run } from '../invocation.ts';
import { accept, readConnection } from './accept.ts';
import { readWithin } from './page-options.ts';
import { addUsersHandOver } from './users-hand-over.ts';
import { addUsersJoin } from './users-join.ts';
import { addUsersProtect } from './users-protect.ts';
import { addUsersPurge } from './users-purge.ts';
import { addUsersShow } from './users-show.ts';
import { addUsersState } from './users-state.ts';

const HELP = `
The listing is ordered by id. A full page ends with the --after of the next one.

Examples:
  $ rollcall users list
  $ rollcall users list --connection acme --state deactivated --limit 500
  $ rollcall users list --json | jq -r '.users[].email'`;

/** `rollcall users …` */
export function addUsers(parent: Command, run: Run): void {
  const users = parent
    .command('users')
    .summary('list and show users; deactivate, reactivate, protect, join, purge')
    .description('The people that Rollcall knows.');
  users
    .command('list')
    .summary('list users with their states and roles')
    .description('Lists users with their states and roles.')
    .option('--connection <id>', 'only those of one connection', readConnection)
    .addOption(new Option('--state <state>', 'only those in one state').choices([...USER_STATES]))
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1000), 100)
    .option('--after <id>', 'go on after this user id', readAfter)
    .addHelpText('after', HELP)
    .action((options: ListOptions, command: Command) =>
      run(command, async (invocation) => {
        const { list } = await import('../commands/users-list.ts');
        return list(options, invocation);
      }),
    );
  addUsersShow(users, run);
  addUsersState(users, run);
  addUsersProtect(users, run);
  addUsersJoin(users, run);
  addUsersHandOver(users, run);
  addUsersPurge(users, run);
}

function readAfter(text: string): UserId {
  return accept(() => toUserId(text), 'the id of a user, as `users list --json` shows it');
}
