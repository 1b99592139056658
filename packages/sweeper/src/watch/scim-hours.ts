import type { Config } from '@rollcall/shared/config/types';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { type RawBuilder, sql } from 'kysely';
import type { ScimHours } from './rules/spikes.ts';

/** The hour up to now, and seven days before it. */
const HOURS = 1 + 7 * 24;
const HOUR_MS = 3_600_000;
const MOST_CODES = 5;

type Hours = ReadonlyMap<number, number>;

/** What SCIM clients were refused and whose access they ended, by each connection that has any. */
export async function readScimHours(
  tx: Tx,
  connections: Config['connections'],
  now: EpochMs,
): Promise<readonly ScimHours[]> {
  const ids = connections.flatMap(({ id, provisioning }) => (provisioning === 'jit' ? [] : [id]));
  if (ids.length === 0) return [];
  const refused = await byHours(
    tx,
    ids,
    now,
    sql`
    select connection_id, at from scim_requests
     where status >= 400 and status not in (401, 404, 429)`,
  );
  const ended = await byHours(
    tx,
    ids,
    now,
    sql`
    select connection_id, state_changed_at as at from users
     where cause = 'scim' and state = 'deactivated'`,
  );
  const codes = await readCodes(tx, ids, now);
  const none: Hours = new Map();
  return ids.map((connectionId) => ({
    connectionId,
    refused: refused.get(connectionId) ?? none,
    ended: ended.get(connectionId) ?? none,
    codes: codes.get(connectionId) ?? [],
  }));
}

/** @param events rows of `connection_id` and `at`. */
async function byHours(
  tx: Tx,
  ids: readonly ConnectionId[],
  now: EpochMs,
  events: RawBuilder<unknown>,
): Promise<ReadonlyMap<ConnectionId, Hours>> {
  const at = toTimestamp(now);
  const { rows } = await sql<{ id: ConnectionId; hours_ago: number; count: number }>`
    select connection_id as id, floor(extract(epoch from ${at}::timestamptz - at) / 3600)::int as hours_ago,
           count(*)::int as count
      from (${events}) as events
     where connection_id = any(${[...ids]}::text[]) and at <= ${at}
       and at > ${toTimestamp(after(now, -HOURS * HOUR_MS))}
     group by 1, 2`.execute(tx);
  const grouped = Map.groupBy(rows, ({ id }) => id);
  return new Map(
    [...grouped].map(([id, hours]) => [
      id,
      new Map(hours.map(({ hours_ago, count }) => [hours_ago, count])),
    ]),
  );
}

async function readCodes(
  tx: Tx,
  ids: readonly ConnectionId[],
  now: EpochMs,
): Promise<ReadonlyMap<ConnectionId, readonly string[]>> {
  const { rows } = await sql<{ id: ConnectionId; code: string | null; count: number }>`
    select connection_id as id, code, count(*)::int as count from scim_requests
     where connection_id = any(${[...ids]}::text[]) and status >= 400
       and status not in (401, 404, 429) and at > ${toTimestamp(after(now, -HOUR_MS))}
     group by 1, 2 order by count desc, code`.execute(tx);
  const grouped = Map.groupBy(rows, ({ id }) => id);
  return new Map(
    [...grouped].map(([id, codes]) => [
      id,
      codes.slice(0, MOST_CODES).map(({ code, count }) => `${code ?? 'none'} ${count}`),
    ]),
  );
}
