import { sql } from 'kysely';
import type { EpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import { fromTimestamp } from './timestamp.ts';

/**
 * The present by the clock of the database, which all instances share: for commands, which
 * run on whichever machine somebody sits at. Its clock may be minutes off.
 */
export async function databaseTime(db: Database | Tx): Promise<EpochMs> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new RangeError('a select without a row');
  return fromTimestamp(row.now);
}
