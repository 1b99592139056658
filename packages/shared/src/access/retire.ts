import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import { requireNextState } from '../core/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { recordAudits } from './record.ts';

/** Who may be retired: those whose access ended by then, at most so many. */
export interface Retirement {
  readonly endedBy: EpochMs;
  readonly limit: number;
}

/**
 * Makes those purge-eligible who have been without access for long: nothing is taken and
 * nothing is deleted. The end of their access keeps its time and its version, so that a
 * sweep can still be undone, and whoever may bring them back still may. Whoever is being
 * changed at this moment, and the protected, are left alone. Answers with how many.
 */
export async function retireUsers(
  tx: Tx,
  { endedBy, limit }: Retirement,
  actor: Actor,
  now: EpochMs,
): Promise<number> {
  const next = requireNextState('deactivated', 'retire');
  const { rows } = await sql<{ id: UserId; connection_id: ConnectionId; cause: string }>`
    update users set state = ${next} where id in (
      select id from users
       where state = 'deactivated' and purged_at is null
         and state_changed_at <= ${toTimestamp(endedBy)}
         and not protected and not protected_by_admin
       order by state_changed_at, id limit ${limit} for update skip locked)
    returning id, connection_id, cause`.execute(tx);
  const facts = rows.map(({ id, connection_id, cause }) => ({
    kind: 'user.retired' as const,
    userId: id,
    connectionId: connection_id,
    reason: 'retired',
    before: { state: 'deactivated', cause },
    after: { state: next, cause },
  }));
  await recordAudits(tx, facts, actor, now);
  return rows.length;
}
