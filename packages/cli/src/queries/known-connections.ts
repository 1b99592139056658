import type { Config } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import type { Invocation } from '../invocation.ts';
import { connectionsNamed, type KnownConnection, readConnection } from './known-connection.ts';

/** What a command knows of connections at one moment. */
export interface KnownConnections {
  readonly config: Config;
  readonly connections: readonly KnownConnection[];
  readonly now: EpochMs;
}

/**
 * Reads every connection of the configuration, or the one that is named.
 * Throws `connection.unknown`, and what `withFoundation` throws.
 */
export function readConnections(
  invocation: Invocation,
  id: string | undefined,
): Promise<KnownConnections> {
  return withFoundation(invocation, { engine: false }, async ({ config, foundation }) => {
    const now = currentTime();
    const deps = { db: foundation.db, env: invocation.env, now };
    const chosen = connectionsNamed(config, id);
    const connections = await Promise.all(chosen.map((one) => readConnection(config, one, deps)));
    return { config, connections, now };
  });
}
