import { sql } from 'kysely';
import type { EpochMs } from '../core/time.ts';
import type { Database } from '../db/database.ts';
import { fromTimestamp } from '../db/timestamp.ts';
import { type BacklogRow, type TargetBacklog, toBacklog } from '../outbox/waiting.ts';
import type { Fact } from './told.ts';

/** What became of a notification at one sink. */
export interface SinkDelivery {
  readonly sink: string;
  readonly state: 'delivered' | 'waiting' | 'failing' | 'parked';
  readonly attempts: number;
  /** The last thing that went wrong; null where nothing has, or it was delivered since. */
  readonly error: string | null;
  readonly deliveredAt: EpochMs | null;
}

/** A notification as it is stored, and who was told. */
export interface ListedNotification {
  readonly id: string;
  readonly at: EpochMs;
  readonly event: string;
  readonly standing: 'raised' | 'resolved';
  readonly connection: string | null;
  readonly about: string;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly deliveries: readonly SinkDelivery[];
}

/** Which notifications are meant; null: all. */
export interface NotificationFilter {
  readonly event: string | null;
  readonly connection: string | null;
  readonly limit: number;
}

/** The latest notifications, the newest first. */
export async function listNotifications(
  db: Database,
  { event, connection, limit }: NotificationFilter,
): Promise<readonly ListedNotification[]> {
  const { rows } = await sql<{
    id: string;
    at: Date;
    event: string;
    standing: 'raised' | 'resolved';
    connection_id: string | null;
    about: string;
    facts: Record<string, Fact>;
    deliveries: readonly StoredDelivery[];
  }>`
    select n.id, n.at, n.event, n.standing, n.connection_id, n.about, n.facts,
           coalesce((
             select jsonb_agg(jsonb_build_object(
                      'sink', d.sink, 'attempts', d.attempts, 'error', d.error,
                      'failed', d.failed_at is not null, 'parked', d.parked_at is not null,
                      'delivered', extract(epoch from d.delivered_at) * 1000) order by d.sink)
               from notification_deliveries d where d.notification_id = n.id), '[]') as deliveries
      from notifications n
     where (${event}::text is null or n.event = ${event})
       and (${connection}::text is null or n.connection_id = ${connection})
     order by n.id desc
     limit ${limit}`.execute(db);
  return rows.map(({ connection_id, at, deliveries, ...row }) => ({
    ...row,
    at: fromTimestamp(at),
    connection: connection_id,
    deliveries: deliveries.map(toDelivery),
  }));
}

interface StoredDelivery {
  readonly sink: string;
  readonly attempts: number;
  readonly error: string | null;
  readonly failed: boolean;
  readonly parked: boolean;
  /** Milliseconds since 1970, with fractions. */
  readonly delivered: number | null;
}

function toDelivery(stored: StoredDelivery): SinkDelivery {
  const { sink, attempts, error, failed, parked, delivered } = stored;
  const deliveredAt = delivered === null ? null : fromTimestamp(new Date(delivered));
  const open = parked ? 'parked' : failed ? 'failing' : 'waiting';
  return { sink, state: deliveredAt === null ? open : 'delivered', attempts, error, deliveredAt };
}

/** A sink that the database knows, and how much waits for it. */
export interface SinkBacklog extends TargetBacklog {
  /** What went wrong with what still waits; null where nothing did. */
  readonly error: string | null;
}

/** Every sink that was ever registered and not given up. */
export async function readSinks(db: Database): Promise<readonly SinkBacklog[]> {
  const { rows } = await sql<BacklogRow & { error: string | null }>`
    select s.name, s.seen_at, s.gone_at, s.gone_why, count(d.seq) as waiting,
           count(d.seq) filter (where d.parked_at is not null) as parked, min(n.at) as oldest_at,
           (array_agg(d.error order by d.failed_at desc nulls last))[1] as error
      from notification_sinks s
      left join notification_deliveries d on d.sink = s.name and d.delivered_at is null
      left join notifications n on n.id = d.notification_id
     group by s.name
     order by s.name`.execute(db);
  return rows.map((row) => ({ ...toBacklog(row), error: row.error }));
}

/**
 * Has what a sink did not take tried again at once, as if it never had been, also where the
 * sink was gone; answers with how many.
 *
 * @param choice a sink, and the id of a notification; null for all that have failed.
 */
export async function replaySink(
  db: Database,
  { sink, notification }: { readonly sink: string; readonly notification: string | null },
): Promise<number> {
  await sql`
    update notification_sinks set gone_at = null, gone_why = null
     where name = ${sink} and gone_at is not null`.execute(db);
  const replayed = await sql`
    update notification_deliveries
       set attempts = 0, parked_at = null, due_at = clock_timestamp()
     where sink = ${sink} and claim is null and failed_at is not null and delivered_at is null
       and (${notification}::bigint is null or notification_id = ${notification}::bigint)`.execute(
    db,
  );
  return Number(replayed.numAffectedRows ?? 0);
}
