import { sql } from 'kysely';
import { recordAudit } from '../access/record.ts';
import type { Actor } from '../core/actor.ts';
import type { OutboxKind } from '../core/change-payload.ts';
import type { UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { type Database, inTransaction } from '../db/database.ts';
import { fromNullableTimestamp, fromTimestamp } from '../db/timestamp.ts';
import { findUser } from '../db/users.ts';

/** A target, and how much waits for it. */
export interface TargetBacklog {
  readonly name: string;
  /** When one of its relays was last at work. */
  readonly seenAt: EpochMs;
  readonly waiting: number;
  readonly parked: number;
  /** When the oldest of the waiting happened; null where nothing waits. */
  readonly oldestAt: EpochMs | null;
  /** Since when it wants nothing any more, and what it said; null: it does. */
  readonly gone: { readonly at: EpochMs; readonly why: string } | null;
}

/** A change that a target did not take. */
export interface FailedDelivery {
  readonly target: string;
  /** The id of the change, as its handler sees it. */
  readonly change: string;
  readonly kind: OutboxKind;
  readonly userId: UserId;
  readonly at: EpochMs;
  readonly attempts: number;
  readonly error: string | null;
  readonly failedAt: EpochMs | null;
  /** Null while it is still tried. */
  readonly parkedAt: EpochMs | null;
  /** How many later changes of the same user wait behind it. */
  readonly behind: number;
}

/** A {@link TargetBacklog} as it is read. */
export interface BacklogRow {
  readonly name: string;
  readonly seen_at: Date;
  readonly waiting: string;
  readonly parked: string;
  readonly oldest_at: Date | null;
  readonly gone_at: Date | null;
  readonly gone_why: string | null;
}

export function toBacklog(row: BacklogRow): TargetBacklog {
  const { name, gone_at: goneAt, gone_why: why } = row;
  return {
    name,
    seenAt: fromTimestamp(row.seen_at),
    waiting: Number(row.waiting),
    parked: Number(row.parked),
    oldestAt: fromNullableTimestamp(row.oldest_at),
    gone: goneAt === null ? null : { at: fromTimestamp(goneAt), why: why ?? '' },
  };
}

/** Every target that was ever registered and not given up. */
export async function readBacklogs(db: Database): Promise<readonly TargetBacklog[]> {
  const answer = await sql<BacklogRow>`
    select t.name, t.seen_at, t.gone_at, t.gone_why, count(d.seq) as waiting,
           count(d.seq) filter (where d.parked_at is not null) as parked, min(o.at) as oldest_at
      from outbox_targets t
      left join outbox_deliveries d on d.target = t.name
      left join outbox o on o.id = d.outbox_id
     group by t.name
     order by t.name`.execute(db);
  return answer.rows.map(toBacklog);
}

/** What failed and has not been taken since: the parked first, then by age. */
export async function readFailed(db: Database, limit: number): Promise<readonly FailedDelivery[]> {
  const answer = await sql<{
    target: string;
    change: string;
    kind: OutboxKind;
    user_id: UserId;
    at: Date;
    attempts: number;
    error: string | null;
    failed_at: Date | null;
    parked_at: Date | null;
    behind: string;
  }>`
    select d.target, o.id as change, o.kind, d.user_id, o.at, d.attempts, d.error, d.failed_at,
           d.parked_at,
           (select count(*) from outbox_deliveries later
             where later.target = d.target and later.user_id = d.user_id and later.seq > d.seq
           ) as behind
      from outbox_deliveries d join outbox o on o.id = d.outbox_id
     where d.failed_at is not null
     order by d.parked_at is null, d.seq
     limit ${limit}`.execute(db);
  return answer.rows.map((row) => ({
    target: row.target,
    change: row.change,
    kind: row.kind,
    userId: row.user_id,
    at: fromTimestamp(row.at),
    attempts: row.attempts,
    error: row.error,
    failedAt: fromNullableTimestamp(row.failed_at),
    parkedAt: fromNullableTimestamp(row.parked_at),
    behind: Number(row.behind),
  }));
}

/** Which deliveries are meant: of a target, and of one change or all of them. */
export interface DeliveryChoice {
  readonly target: string;
  /** The id of a change; null for all that have failed. */
  readonly change: string | null;
}

/**
 * Has what failed tried again at once, as if it never had been, also where the target was
 * gone; answers with how many.
 */
export async function replayDeliveries(
  db: Database,
  { target, change }: DeliveryChoice,
): Promise<number> {
  await sql`
    update outbox_targets set gone_at = null, gone_why = null
     where name = ${target} and gone_at is not null`.execute(db);
  const replayed = await sql`
    update outbox_deliveries
       set attempts = 0, parked_at = null, due_at = clock_timestamp()
     where target = ${target} and claim is null and failed_at is not null
       and (${change}::bigint is null or outbox_id = ${change}::bigint)`.execute(db);
  return Number(replayed.numAffectedRows ?? 0);
}

/**
 * Drops one change that was parked: the target never gets it. Audited, because it may be the
 * end of somebody's access. False where it is not parked.
 */
export function skipDelivery(
  db: Database,
  { target, change }: DeliveryChoice & { readonly change: string },
  actor: Actor,
  now: EpochMs,
): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const { rows } = await sql<{ user_id: UserId; kind: OutboxKind }>`
      delete from outbox_deliveries d using outbox o
       where d.target = ${target} and d.outbox_id = ${change}::bigint and d.parked_at is not null
         and o.id = d.outbox_id
      returning d.user_id, o.kind`.execute(tx);
    const [skipped] = rows;
    if (skipped === undefined) return false;
    const { user_id: userId, kind } = skipped;
    const connectionId = (await findUser(tx, userId))?.connectionId ?? null;
    const evidence = { target, change, kind };
    const entry = { kind: 'change.skipped' as const, userId, connectionId, evidence };
    await recordAudit(tx, { ...entry, reason: 'by_admin' }, actor, now);
    return true;
  });
}
