import type { ConnectionId, UserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import { dayOf } from '@rollcall/shared/db/sign-in-refusals';
import { fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Notification } from '@rollcall/shared/notify/raise';
import { sql } from 'kysely';

/** So far back is looked: what was missed while no worker lived is told late, not never. */
const WINDOW_MS = 86_400_000;

interface Kept {
  readonly user_id: UserId;
  readonly connection_id: ConnectionId;
  readonly roles: string[] | null;
  readonly kept_from: string;
  readonly at: Date;
}

/**
 * Whom the rule of the last holders has kept: from the audit trail, where roles were kept,
 * and from the plans, where somebody was left alone for it. It happens at every sweep until
 * somebody else holds the role: it is told once a day for each person.
 */
export async function readKeptAdmins(tx: Tx, now: EpochMs): Promise<readonly Notification[]> {
  const since = toTimestamp(after(now, -WINDOW_MS));
  const { rows } = await sql<Kept>`
    select user_id, connection_id, at, actor->>'kind' as kept_from,
           array(select jsonb_array_elements_text(
             case jsonb_typeof(evidence->'kept') when 'array' then evidence->'kept' else '[]' end)) as roles
      from audit_events
     where kind = 'roles.kept' and at > ${since} and user_id is not null
       and connection_id is not null
    union all
    select l.user_id, p.connection_id, p.created_at, 'sweep',
           array(select distinct role from grants where user_id = l.user_id and privileged)
      from plans p join plan_lines l on l.run_id = p.run_id
     where p.created_at > ${since}
       and ((l.decision = 'refuse' and l.reason = 'last_admin') or l.outcome_why = 'last_admin')
     order by at`.execute(tx);
  return rows.map((row) => ({
    event: 'last_admin.protected',
    connectionId: row.connection_id,
    about: `${row.user_id} on ${dayOf(fromTimestamp(row.at))}`,
    facts: { user: row.user_id, roles: (row.roles ?? []).toSorted(), kept_from: row.kept_from },
  }));
}
