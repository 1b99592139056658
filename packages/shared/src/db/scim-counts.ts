import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import type { Database, Tx } from './database.ts';

/** Numbers of rows in one block: as many of them at most are walked through to find a page. */
const BLOCK = 4_096;
/** More lines than these make every count slow: whoever meets them adds them together. */
const LINES = 2_000;

/** Where, in the order in which they came, so many rows of a connection are behind one. */
export interface ScimPlace {
  /** Of all, exactly. */
  readonly total: number;
  /** The number of a row not far before the place. */
  readonly afterSeq: string;
  /** How many rows lie between. */
  readonly offset: number;
  /** Whether the lines of the counts are due to be added together. */
  readonly isLong: boolean;
}

/**
 * How many users or groups a connection has over SCIM, and where the row is that so many
 * are in front of: by the counts of blocks, without walking through them all.
 */
export async function placeOf(
  db: Database | Tx,
  connectionId: ConnectionId,
  kind: 'User' | 'Group',
  offset: number,
): Promise<ScimPlace> {
  const { rows } = await sql<{ total: string; lines: string; block: string; before: string }>`
    with blocks as (
      select block, sum(delta) as held, count(*) as lines from scim_counts
       where connection_id = ${connectionId} and kind = ${kind} group by block),
    summed as (
      select block, held, sum(held) over (order by block) as upto,
             sum(held) over () as total, sum(lines) over () as lines
        from blocks)
    select total, lines, block, upto - held as before from summed
     where upto > ${offset} or total <= ${offset} order by block limit 1`.execute(db);
  const [row] = rows;
  if (row === undefined) return { total: 0, afterSeq: '0', offset, isLong: false };
  return {
    total: Number(row.total),
    afterSeq: String(BigInt(row.block) * BigInt(BLOCK) - 1n),
    offset: offset - Number(row.before),
    isLong: Number(row.lines) > LINES,
  };
}

/** Adds the lines of each count together; answers with how many there were. */
export async function foldCounts(db: Database): Promise<number> {
  const { rows } = await sql<{ folded: string }>`
    with taken as (delete from scim_counts returning connection_id, kind, block, delta),
         kept as (insert into scim_counts (connection_id, kind, block, delta)
                  select connection_id, kind, block, sum(delta) from taken
                   group by connection_id, kind, block having sum(delta) <> 0)
    select count(*) as folded from taken`.execute(db);
  return Number(rows[0]?.folded ?? 0);
}
