import type { ConnectionId, UserId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { dayOf } from '@rollcall/shared/db/sign-in-refusals';
import { raise } from '@rollcall/shared/notify/raise';
import { sql } from 'kysely';

/** One of the last holders of a privileged role, from whom a client would have taken it. */
export interface KeptAdmin {
  readonly userId: UserId;
  readonly connectionId: ConnectionId;
}

/**
 * Tells operators that the rule of the last holders has refused a request: once a day for
 * each person. In a transaction of its own, for that of the request was rolled back.
 */
export async function raiseKeptAdmin(
  db: Database,
  { userId, connectionId }: KeptAdmin,
  now: EpochMs,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { rows } = await sql<{ role: string }>`
      select distinct role from grants where user_id = ${userId} and privileged
       order by role`.execute(tx);
    const facts = { user: userId, roles: rows.map(({ role }) => role), kept_from: 'scim' };
    const about = `${userId} on ${dayOf(now)}`;
    await raise(tx, { event: 'last_admin.protected', connectionId, about, facts }, now);
  });
}
