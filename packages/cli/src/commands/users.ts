import { type ConnectionId, toUserId, type UserId } from '@rollcall/shared/core/ids';
import { USER_STATES, type UserState } from '@rollcall/shared/core/lifecycle';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { listUsers } from '@rollcall/shared/db/users';
import { type Command, Option } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { renderUsers, userToJson } from '../render/users.ts';
import { accept, readConnection } from './accept.ts';
import { readWithin } from './page-options.ts';
import { addUsersJoin } from './users-join.ts';
import { addUsersProtect } from './users-protect.ts';
import { addUsersShow } from './users-show.ts';
import { addUsersState } from './users-state.ts';

const HELP = `
The listing is ordered by id. A full page ends with the --after of the next one.

Examples:
  $ rollcall users list
  $ rollcall users list --connection acme --state deactivated --limit 500
  $ rollcall users list --json | jq -r '.users[].email'`;

interface ListOptions {
  readonly connection?: ConnectionId;
  readonly state?: UserState;
  readonly limit: number;
  readonly after?: UserId;
}

/** `rollcall users …` */
export function addUsers(parent: Command, run: Run): void {
  const users = parent
    .command('users')
    .summary('list and show users; deactivate, reactivate, protect, join')
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
      run(command, (invocation) => list(options, invocation)),
    );
  addUsersShow(users, run);
  addUsersState(users, run);
  addUsersProtect(users, run);
  addUsersJoin(users, run);
}

async function list(options: ListOptions, invocation: Invocation): Promise<ExitCode> {
  const { connection, limit, ...rest } = options;
  const page = await withFoundation(invocation, { engine: false }, ({ foundation }) =>
    // One more than is shown tells whether there are more.
    listUsers(foundation.db, {
      limit: limit + 1,
      ...(connection === undefined ? {} : { connectionId: connection }),
      ...(rest.state === undefined ? {} : { state: rest.state }),
      ...(rest.after === undefined ? {} : { after: rest.after }),
    }),
  );
  const users = page.slice(0, limit);
  const next = page.length > limit ? (users.at(-1)?.user.id ?? null) : null;
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ users: users.map(userToJson), next });
  else terminal.print(renderUsers({ users, next }, currentTime(), terminal.colors));
  return EXIT.ok;
}

function readAfter(text: string): UserId {
  return accept(() => toUserId(text), 'the id of a user, as `users list --json` shows it');
}
