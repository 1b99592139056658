import { sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';

/** A target that no relay has served for so long is given up, with what waits for it. */
export const GIVE_UP_AFTER = '30 days';

/**
 * Makes a target known, so that it gets every change that is committed from now on,
 * or says that it is still served.
 */
export async function registerTarget(db: Database, name: string): Promise<void> {
  const served = await sql`
    update outbox_targets
       -- One that is gone is given up in time, whoever goes on serving it.
       set seen_at = case when gone_at is null then clock_timestamp() else seen_at end
     where name = ${name}`.execute(db);
  if (Number(served.numAffectedRows ?? 0) > 0) return;
  await inTransaction(db, async (tx) => {
    // Whoever writes a change meanwhile waits behind this lock: never for long.
    await sql`set local lock_timeout = '2s'`.execute(tx);
    // A change that is under way was written for the targets of before. Once it is committed
    // or gone, nothing is left that could come after this and not be for this target.
    await sql`lock table outbox in share mode`.execute(tx);
    await sql`
      insert into outbox_targets (name, registered_at, seen_at)
      values (${name}, clock_timestamp(), clock_timestamp())
      on conflict (name) do update set seen_at = excluded.seen_at`.execute(tx);
  });
}

/** Gives up the targets that nobody has served for {@link GIVE_UP_AFTER}; answers with their names. */
export async function forgetAbandonedTargets(db: Database): Promise<readonly string[]> {
  const gone = await sql<{ name: string }>`
    delete from outbox_targets
     where seen_at < clock_timestamp() - cast(${GIVE_UP_AFTER} as interval)
    returning name`.execute(db);
  return gone.rows.map((row) => row.name);
}
