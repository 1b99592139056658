import { sql } from 'kysely';
import type { Database } from '../db/database.ts';

/** A change that every target has taken is kept for so long. */
export const KEPT_FOR = '7 days';
const PART = 1_000;

/** Deletes changes that are old and wait for nobody; answers with how many. */
export async function pruneOutbox(db: Database): Promise<number> {
  for (let deleted = 0; ; ) {
    const part = await deletePart(db);
    deleted += part;
    if (part < PART) return deleted;
  }
}

async function deletePart(db: Database): Promise<number> {
  const result = await sql`
    delete from outbox where id in (
      select o.id from outbox o
       where o.at < clock_timestamp() - cast(${KEPT_FOR} as interval)
         and not exists (select from outbox_deliveries d where d.outbox_id = o.id)
       limit ${PART})`.execute(db);
  return Number(result.numAffectedRows ?? 0);
}
