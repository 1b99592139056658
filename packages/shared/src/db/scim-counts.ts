import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import type { Database, Tx } from './database.ts';

/** How many users or groups a connection has over SCIM, without counting them. */
export async function countAll(
  db: Database | Tx,
  connectionId: ConnectionId,
  kind: 'User' | 'Group',
): Promise<number> {
  const { rows } = await sql<{ total: string | null }>`
    select sum(delta) as total from scim_counts
     where connection_id = ${connectionId} and kind = ${kind}`.execute(db);
  return Number(rows[0]?.total ?? 0);
}

/** Adds the lines of each count together; answers with how many there were. */
export async function foldCounts(db: Database): Promise<number> {
  const { rows } = await sql<{ folded: string }>`
    with taken as (delete from scim_counts returning connection_id, kind, delta),
         kept as (insert into scim_counts
                  select connection_id, kind, sum(delta) from taken group by connection_id, kind)
    select count(*) as folded from taken`.execute(db);
  return Number(rows[0]?.folded ?? 0);
}
