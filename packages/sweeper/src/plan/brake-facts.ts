import type { ConnectionId, UserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { BrakeClass, BrakeHistory } from '../reconcile/brake.ts';
import { type OverAll, REMOVING } from '../reconcile/brake-over-all.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const WEEK_MS = 7 * DAY_MS;

/**
 * How many people sweeps of a connection have taken something from lately. What the
 * brake held and a person approved does not count; what was applied by hand without
 * such an approval does, or a loop would get around every limit.
 */
export async function readBrakeHistory(
  db: Database,
  connectionId: ConnectionId,
  now: EpochMs,
): Promise<BrakeHistory> {
  const dayAgo = toTimestamp(after(now, -DAY_MS));
  const answer = await sql<{ class: BrakeClass; week: string; day: string; privileged: string }>`
    select l.brake_class as class,
           count(distinct l.user_id) as week,
           count(distinct l.user_id) filter (where l.applied_at >= ${dayAgo}) as day,
           count(distinct l.user_id) filter (where l.applied_at >= ${dayAgo}
             and jsonb_array_length(l.change -> 'privileged') > 0) as privileged
      from plan_lines l join plans p on p.run_id = l.run_id
     where p.connection_id = ${connectionId} and l.outcome = 'applied' and (not l.waits or p.held_why is null)
       and l.brake_class is not null and l.applied_at >= ${toTimestamp(after(now, -WEEK_MS))}
     group by l.brake_class`.execute(db);
  const count = (one: BrakeClass, column: 'week' | 'day' | 'privileged'): number =>
    Number(answer.rows.find((row) => row.class === one)?.[column] ?? 0);
  const window = (column: 'week' | 'day') => ({
    absence: count('absence', column),
    disabled: count('disabled', column),
    roles: count('roles', column),
    returns: count('returns', column),
  });
  return {
    day: window('day'),
    week: window('week'),
    privilegedPerDay:
      count('absence', 'privileged') +
      count('disabled', 'privileged') +
      count('roles', 'privileged'),
  };
}

/** One key for all connections: whoever would use the room over all of them takes turns. */
const OVER_ALL_LOCK = 0x62726b65;

/**
 * How much of the limit over all connections is used. From here on until the transaction
 * ends nobody else can ask: what the caller lets through, by marking lines of a plan that
 * is `applying` as not waiting, is seen by whoever asks next, and so nobody uses the last
 * room twice. A plan whose worker has died keeps its room until it is finished or ends.
 */
export async function takeTurnOverAll(tx: Tx, now: EpochMs): Promise<OverAll> {
  const withAccess = await countWithAccessOverAll(tx);
  await sql`select pg_advisory_xact_lock(${OVER_ALL_LOCK})`.execute(tx);
  const answer = await sql<{ removed: string }>`
    select count(distinct user_id) as removed from (
      select l.user_id from plan_lines l join plans p on p.run_id = l.run_id
       where l.outcome = 'applied' and (not l.waits or p.held_why is null)
         and l.brake_class is not null and l.brake_class = any(${[...REMOVING]}::text[])
         and l.applied_at >= ${toTimestamp(after(now, -DAY_MS))}
      union all
      select l.user_id from plan_lines l join plans p on p.run_id = l.run_id
       where p.state = 'applying' and p.expires_at > ${toTimestamp(now)}
         and l.outcome is null and (not l.waits or p.held_why is null)
         and l.brake_class = any(${[...REMOVING]}::text[])) as counted`.execute(tx);
  return { withAccess, removed: Number(answer.rows[0]?.removed ?? 0) };
}

async function countWithAccessOverAll(tx: Tx): Promise<number> {
  const row = await tx
    .selectFrom('users as person')
    .innerJoin('connections as retirable', 'retirable.id', 'person.connection_id')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('retirable.retired_at', 'is', null)
    .where('person.owner', '=', 'roll')
    .where('person.state', 'in', ['active', 'suspected', 'contained'])
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** How many people of a connection have access and could lose it by a sweep. */
export async function countWithAccess(db: Database, connectionId: ConnectionId): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((select) => select.fn.countAll().as('count'))
    .where('connection_id', '=', connectionId)
    .where('owner', '=', 'roll')
    .where('state', 'in', ['active', 'suspected', 'contained'])
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/**
 * The privileged roles that these people hold, over every connection and channel: those
 * that were so when they were given, and those that the configuration declares now.
 */
export async function readPrivileged(
  db: Database,
  ids: readonly UserId[],
  declared: ReadonlySet<string>,
): Promise<ReadonlyMap<UserId, readonly string[]>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('grants')
    .select(['user_id', 'role'])
    .distinct()
    .where('user_id', 'in', [...ids])
    .where(sql<boolean>`(privileged or role = any(${[...declared]}::text[]))`)
    .orderBy('role')
    .execute();
  const byUser = Map.groupBy(rows, (row) => row.user_id);
  return new Map([...byUser].map(([id, own]) => [id, own.map((row) => row.role)]));
}
