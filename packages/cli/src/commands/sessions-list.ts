import type { ConnectionId, SessionId } from '@rollcall/shared/core/ids';
import { listSessions } from '@rollcall/shared/db/session-list';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { renderSessions, sessionToJson } from '../render/sessions.ts';

export interface ListOptions {
  readonly user?: string;
  readonly connection?: ConnectionId;
  readonly all?: boolean;
  readonly limit: number;
  readonly after?: SessionId;
}

export async function list(options: ListOptions, invocation: Invocation): Promise<ExitCode> {
  const { user: text, connection, all = false, limit, after } = options;
  const now = currentTime();
  const found = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) => {
      const user = text === undefined ? null : await requireOneUser(db, text, invocation);
      return listSessions(
        db,
        {
          all,
          // One more than is shown tells whether there are more.
          limit: limit + 1,
          idleMs: config.session.idleMs,
          trusted: config.connections.map(({ id }) => id),
          ...(user === null ? {} : { userId: user.id }),
          ...(connection === undefined ? {} : { connectionId: connection }),
          ...(after === undefined ? {} : { after }),
        },
        now,
      );
    },
  );
  const sessions = found.slice(0, limit);
  const next = found.length > limit ? (sessions.at(-1)?.id ?? null) : null;
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ sessions: sessions.map(sessionToJson), next });
  else terminal.print(renderSessions({ sessions, next, all }, now, terminal.colors));
  return EXIT.ok;
}
