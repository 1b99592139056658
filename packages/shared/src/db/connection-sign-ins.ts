import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { withDays } from './connection-days.ts';
import type { Database } from './database.ts';
import { fromTimestamp, toTimestamp } from './timestamp.ts';

/** The last good sign-ins by a connection. */
export interface ConnectionSignIns {
  readonly connectionId: ConnectionId;
  readonly lastAt: EpochMs;
  /**
   * Our clock less the assertion's IssueInstant (SAML Core §2.3.3), in milliseconds,
   * newest first: the difference of the clocks and the way through the browser.
   */
  readonly clockOffsetsMs: readonly number[];
}

/** How many offsets are kept: enough to tell a clock from a slow browser. */
export const OFFSETS_KEPT = 21;

/** Adds good sign-ins to those that are there; in the order of the key, as for refusals. */
export async function addSignIns(db: Database, added: readonly ConnectionSignIns[]): Promise<void> {
  if (added.length === 0) return;
  const rows = added.map(({ connectionId, lastAt, clockOffsetsMs }) => ({
    connection_id: connectionId,
    last_at: toTimestamp(lastAt),
    clock_offsets_ms: clockOffsetsMs,
  }));
  const notes = added.map(({ connectionId, lastAt: at }) => {
    return { connectionId, at, accepted: true, refused: 0 };
  });
  await sql`${withDays(notes)}
    insert into connection_sign_ins as kept (connection_id, last_at, clock_offsets_ms)
    select connection_id, last_at, clock_offsets_ms
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as added
           (connection_id text, last_at timestamptz, clock_offsets_ms integer[])
     order by connection_id
    on conflict (connection_id) do update set
      last_at = greatest(kept.last_at, excluded.last_at),
      clock_offsets_ms =
        (excluded.clock_offsets_ms || kept.clock_offsets_ms)[1:${sql.lit(OFFSETS_KEPT)}]`.execute(
    db,
  );
}

/** The last good sign-ins by a connection; null where there was none yet. */
export async function signInsOf(
  db: Database,
  connectionId: ConnectionId,
): Promise<ConnectionSignIns | null> {
  const row = await db
    .selectFrom('connection_sign_ins')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .executeTakeFirst();
  if (row === undefined) return null;
  const lastAt = fromTimestamp(row.last_at);
  return { connectionId, lastAt, clockOffsetsMs: row.clock_offsets_ms };
}
