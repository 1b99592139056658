import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after as later } from '@rollcall/shared/core/time';
import { listScimRequests } from '@rollcall/shared/db/scim-requests';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { renderScimLog, scimRequestToJson } from '../render/scim-log.ts';

export interface LogOptions {
  readonly connection?: ConnectionId;
  /** In milliseconds. */
  readonly since?: number;
  readonly status?: readonly [number, number];
  readonly failed?: boolean;
  readonly user?: string;
  readonly token?: string;
  readonly limit: number;
  readonly after?: string;
}

const FAILED = [400, 599] as const;

export async function showLog(options: LogOptions, invocation: Invocation): Promise<ExitCode> {
  const { connection, since, status, failed = false, user: text, token, limit, after } = options;
  const now = currentTime();
  const found = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const user = text === undefined ? null : await requireOneUser(db, text, invocation);
      return listScimRequests(db, {
        connectionId: connection ?? null,
        since: since === undefined ? null : later(now, -since),
        status: status ?? (failed ? FAILED : null),
        targetId: user?.id ?? null,
        token: token ?? null,
        after: after ?? null,
        // One more than is shown tells whether there are more.
        limit: limit + 1,
      });
    },
  );
  const requests = found.slice(0, limit);
  const next = found.length > limit ? (requests.at(-1)?.id ?? null) : null;
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ requests: requests.map(scimRequestToJson), next });
  else terminal.print(renderScimLog(requests, next, now, terminal.colors));
  return EXIT.ok;
}
