import { type RawBuilder, sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import { type CountedDay, dayNumber } from '../core/silence.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import { toTimestamp } from './timestamp.ts';

/** What a day of a connection gains. */
export interface DayNote {
  readonly connectionId: ConnectionId;
  readonly at: EpochMs;
  readonly accepted: boolean;
  /** Refusals that may concern everybody. */
  readonly refused: number;
}

/**
 * Adds to what is known of days, several notes of one day together. A note that says
 * neither means that sign-in by the connection was possible.
 */
export async function noteDays(db: Database | Tx, notes: readonly DayNote[]): Promise<void> {
  if (notes.length > 0) await insertDays(notes).execute(db);
}

/** Puts notes of days before a statement, so that both are written or neither. */
export function withDays(notes: readonly DayNote[]): RawBuilder<unknown> {
  return notes.length === 0 ? sql`` : sql`with days as (${insertDays(notes)})`;
}

function insertDays(notes: readonly DayNote[]): RawBuilder<unknown> {
  const rows = notes.map(({ connectionId, at, accepted, refused }) => ({
    connection_id: connectionId,
    at: toTimestamp(at),
    accepted,
    refused,
  }));
  return sql`
    insert into connection_days as kept (connection_id, day, accepted, refused)
    select connection_id, (at at time zone 'UTC')::date, bool_or(accepted), sum(refused)
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as added
           (connection_id text, at timestamptz, accepted boolean, refused integer)
     group by 1, 2 order by 1, 2
    on conflict (connection_id, day) do update set
      accepted = kept.accepted or excluded.accepted,
      refused  = kept.refused + excluded.refused
     where kept.accepted <> (kept.accepted or excluded.accepted) or excluded.refused > 0`;
}

/** The days of a connection since a moment, its own included, in their order. */
export async function daysOf(
  db: Database | Tx,
  connectionId: ConnectionId,
  since: EpochMs,
): Promise<readonly CountedDay[]> {
  const { rows } = await sql<{ at: Date; accepted: boolean; refused: number }>`
    select day::timestamp at time zone 'UTC' as at, accepted, refused from connection_days
     where connection_id = ${connectionId}
       and day >= (${toTimestamp(since)}::timestamptz at time zone 'UTC')::date
     order by day`.execute(db);
  return rows.map(({ at, accepted, refused }) => {
    return { day: dayNumber(at.getTime()), accepted, refused };
  });
}
