import { type OperationNodeSource, sql } from 'kysely';
import type { Tx } from '../db/database.ts';

/**
 * Runs several changes as one statement, in one round trip. None of them sees what the
 * others write, and Postgres is free in their order (PostgreSQL §7.8.4): no two may
 * touch the same row. References between their rows are checked when all are written.
 */
export async function writeTogether(
  tx: Tx,
  changes: readonly OperationNodeSource[],
): Promise<void> {
  if (changes.length === 0) return;
  const parts = changes.map((change, index) => {
    return sql`${sql.id(`change_${index}`)} as (${change})`;
  });
  await sql`with ${sql.join(parts)} select 1`.execute(tx);
}
