import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import { speaksOfConnection } from '../core/sign-in-health.ts';
import { after, type EpochMs } from '../core/time.ts';
import { withDays } from './connection-days.ts';
import type { Database } from './database.ts';
import { fromTimestamp, toTimestamp } from './timestamp.ts';

/** One refused sign-in, as the operator may see it. */
export interface RefusalNote {
  readonly at: EpochMs;
  /** The reference that the person and the log saw. */
  readonly reference: string;
  /** What was wanted and what came, as short printable texts; null where nothing was said. */
  readonly expected: string | null;
  readonly received: string | null;
}

/** Refusals of one code at one connection on one day (UTC). */
export interface RefusalTally {
  readonly connectionId: ConnectionId;
  readonly code: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly count: number;
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
  /** The latest few, newest first. */
  readonly recent: readonly RefusalNote[];
}

/** How many of the latest refusals are kept with each count: a reference can be looked up. */
export const REFUSALS_KEPT = 10;
/** For how long refusals are remembered, in milliseconds. */
export const REFUSALS_KEPT_MS = 30 * 86_400_000;

/**
 * Adds counts to those that are there. One statement, in the order of the key, so that
 * two instances that write at once wait for each other and never both.
 */
export async function addRefusals(db: Database, tallies: readonly RefusalTally[]): Promise<void> {
  if (tallies.length === 0) return;
  const rows = tallies.map((tally) => ({
    connection_id: tally.connectionId,
    code: tally.code,
    day: tally.day,
    count: tally.count,
    first_at: toTimestamp(tally.firstAt),
    last_at: toTimestamp(tally.lastAt),
    recent: tally.recent,
  }));
  const telling = tallies.filter(({ code }) => speaksOfConnection(code));
  const notes = telling.map(({ connectionId, lastAt: at, count: refused }) => {
    return { connectionId, at, accepted: false, refused };
  });
  await sql`${withDays(notes)}
    insert into sign_in_refusals as kept
           (connection_id, code, day, count, first_at, last_at, recent)
    select connection_id, code, day, count, first_at, last_at, recent
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as added
           (connection_id text, code text, day date, count bigint,
            first_at timestamptz, last_at timestamptz, recent jsonb)
     order by connection_id, code, day
    on conflict (connection_id, code, day) do update set
      count    = kept.count + excluded.count,
      first_at = least(kept.first_at, excluded.first_at),
      last_at  = greatest(kept.last_at, excluded.last_at),
      recent   = (select jsonb_agg(note) from (
                    select note from jsonb_array_elements(excluded.recent || kept.recent) as note
                     order by (note->>'at')::bigint desc limit ${REFUSALS_KEPT}) as latest)`.execute(
    db,
  );
}

/** All refusals of one code at one connection. */
export interface RefusalSummary {
  readonly code: string;
  readonly count: number;
  readonly lastAt: EpochMs;
  /** Null where none was kept. */
  readonly last: RefusalNote | null;
}

/** What was refused at a connection since a moment, by code, the latest first. */
export async function refusalsOf(
  db: Database,
  connectionId: ConnectionId,
  since: EpochMs,
): Promise<readonly RefusalSummary[]> {
  const { rows } = await sql<{ code: string; count: string; last_at: Date; recent: RefusalNote[] }>`
    select code, sum(count) as count, max(last_at) as last_at,
           (array_agg(recent order by last_at desc))[1] as recent
      from sign_in_refusals
     where connection_id = ${connectionId} and last_at >= ${toTimestamp(since)}
     group by code order by max(last_at) desc, code`.execute(db);
  return rows.map(({ code, count, last_at, recent }) => ({
    code,
    count: Number(count),
    lastAt: fromTimestamp(last_at),
    last: recent[0] ?? null,
  }));
}

/** The refusal that a person names by its reference; null where it is not kept any more. */
export async function findRefusal(
  db: Database,
  reference: string,
): Promise<(RefusalNote & { readonly connectionId: ConnectionId; readonly code: string }) | null> {
  const { rows } = await sql<{ connection_id: ConnectionId; code: string; note: RefusalNote }>`
    select connection_id, code, note
      from sign_in_refusals, jsonb_array_elements(recent) as note
     where recent @> ${JSON.stringify([{ reference }])}::jsonb
       and note->>'reference' = ${reference} limit 1`.execute(db);
  const [row] = rows;
  if (row === undefined) return null;
  return { ...row.note, connectionId: row.connection_id, code: row.code };
}

/** Deletes what is older than {@link REFUSALS_KEPT_MS}; answers with how many rows. */
export async function pruneRefusals(db: Database, now: EpochMs): Promise<number> {
  const before = dayOf(after(now, -REFUSALS_KEPT_MS));
  const result = await db
    .deleteFrom('sign_in_refusals')
    .where('day', '<', sql<Date>`${before}::date`)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** The day of a moment in UTC: `YYYY-MM-DD`. */
export function dayOf(at: EpochMs): string {
  return toTimestamp(at).toISOString().slice(0, 10);
}
