import type { ConnectionId, UserId } from '@rollcall/shared/core/ids';
import type { UserState } from '@rollcall/shared/core/lifecycle';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { listUsers } from '@rollcall/shared/db/users';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { renderUsers, userToJson } from '../render/users.ts';

export interface ListOptions {
  readonly connection?: ConnectionId;
  readonly state?: UserState;
  readonly limit: number;
  readonly after?: UserId;
}

export async function list(options: ListOptions, invocation: Invocation): Promise<ExitCode> {
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
