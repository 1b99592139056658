import type { ConnectionId, UserId } from '@rollcall/shared/core/ids';
import type { UserState } from '@rollcall/shared/core/lifecycle';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { listUsers } from '@rollcall/shared/db/users';
import { silencesTold } from '@rollcall/shared/explanation/beside-state';
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
  const { page, told } = await withFoundation(invocation, { engine: false }, async (opened) => {
    const { db } = opened.foundation;
    // One more than is shown tells whether there are more.
    const found = await listUsers(db, {
      limit: limit + 1,
      ...(connection === undefined ? {} : { connectionId: connection }),
      ...(rest.state === undefined ? {} : { state: rest.state }),
      ...(rest.after === undefined ? {} : { after: rest.after }),
    });
    const all = found.map(({ user }) => user);
    return { page: found, told: await silencesTold(db, all) };
  });
  const users = page.slice(0, limit).map((one) => {
    return { ...one, silenceTold: told.get(one.user.id) ?? null };
  });
  const next = page.length > limit ? (users.at(-1)?.user.id ?? null) : null;
  const { terminal, json } = invocation;
  if (json) {
    const rows = users.map((one) => {
      return { ...userToJson(one), silence_warned_days: one.silenceTold };
    });
    terminal.printJson({ users: rows, next });
  } else terminal.print(renderUsers({ users, next }, currentTime(), terminal.colors));
  return EXIT.ok;
}
