import { sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';
import { later } from '../outbox/deliveries.ts';
import type { InHand, RelayStore } from '../outbox/relay-round.ts';
import type { NotificationEvent } from './events.ts';
import type { Fact, ToldNotification } from './told.ts';

/** A sink as the database knows it. */
export interface KnownSink {
  readonly name: string;
  /** Null: of all. */
  readonly on: readonly NotificationEvent[] | null;
}

/** A sink that no relay has served for so long is given up, with what waits for it. */
export const GIVE_UP_AFTER = '30 days';

interface ClaimedRow {
  readonly seq: string;
  readonly attempts: number;
  readonly id: string;
  readonly at: Date;
  readonly event: string;
  readonly standing: 'raised' | 'resolved';
  readonly connection_id: string | null;
  readonly about: string;
  readonly facts: Record<string, Fact>;
}

/** Where the notifications of one sink wait. */
export function notificationsOf(db: Database, sink: KnownSink): RelayStore<ToldNotification> {
  return {
    register: () => registerSink(db, sink),
    claim: (claim, lease) => claimNotifications(db, sink.name, claim, lease),
    settle: async ({ seq, claim }) => {
      const marked = await sql`
        update notification_deliveries
           set claim = null, delivered_at = clock_timestamp(), error = null
         where seq = ${seq} and claim = ${claim}`.execute(db);
      return Number(marked.numAffectedRows ?? 0) > 0;
    },
    postpone: async ({ seq, claim }, { error, delayMs }) => {
      await sql`
        update notification_deliveries
           set claim = null, due_at = ${later(delayMs)}, error = ${error},
               failed_at = clock_timestamp()
         where seq = ${seq} and claim = ${claim}`.execute(db);
    },
    park: async ({ seq, claim }, error) => {
      await sql`
        update notification_deliveries
           set claim = null, parked_at = clock_timestamp(), error = ${error},
               failed_at = clock_timestamp()
         where seq = ${seq} and claim = ${claim}`.execute(db);
    },
    close: async (error) => {
      await sql`
        update notification_sinks set gone_at = clock_timestamp(), gone_why = ${error}
         where name = ${sink.name} and gone_at is null`.execute(db);
    },
  };
}

/** The end of an occasion is not told before its beginning, unless that was given up. */
async function claimNotifications(
  db: Database,
  sink: string,
  claim: string,
  { most, leaseMs }: { readonly most: number; readonly leaseMs: number },
): Promise<readonly InHand<ToldNotification>[]> {
  const taken = await sql<ClaimedRow>`
    with due as (
      select d.seq
        from notification_deliveries d join notifications n on n.id = d.notification_id
       where d.sink = ${sink} and d.parked_at is null and d.delivered_at is null
         and d.due_at <= clock_timestamp()
         and not exists (select from notification_sinks s where s.name = d.sink and s.gone_at is not null)
         and not exists (
           select from notification_deliveries earlier
             join notifications begun on begun.id = earlier.notification_id
            where earlier.sink = d.sink and earlier.notification_id < d.notification_id
              and earlier.delivered_at is null and earlier.parked_at is null
              and begun.event = n.event and begun.about = n.about
              and coalesce(begun.connection_id, '') = coalesce(n.connection_id, ''))
       order by d.due_at, d.notification_id
       limit ${most}
         for update of d skip locked
    ), taken as (
      update notification_deliveries d
         set attempts = d.attempts + 1, claim = ${claim}, due_at = ${later(leaseMs)}
        from due where d.seq = due.seq
      returning d.seq, d.attempts, d.notification_id
    )
    select t.seq, t.attempts, n.id, n.at, n.event, n.standing, n.connection_id, n.about, n.facts
      from taken t join notifications n on n.id = t.notification_id
     order by n.id`.execute(db);
  return taken.rows.map((row) => ({ seq: row.seq, claim, item: toTold(row) }));
}

function toTold(row: ClaimedRow): ToldNotification {
  return {
    id: row.id,
    attempt: row.attempts,
    at: row.at.toISOString(),
    event: row.event,
    standing: row.standing,
    connection: row.connection_id,
    about: row.about,
    facts: row.facts,
    test: false,
  };
}

/**
 * Makes a sink known, so that it gets every notification that is committed from now on,
 * or says that it is still served, and of what it wants to hear.
 */
async function registerSink(db: Database, { name, on }: KnownSink): Promise<void> {
  const events = on === null ? null : [...on];
  const served = await sql`
    update notification_sinks
       set seen_at = case when gone_at is null then clock_timestamp() else seen_at end,
           events = ${events}::text[]
     where name = ${name}`.execute(db);
  if (Number(served.numAffectedRows ?? 0) > 0) return;
  await inTransaction(db, async (tx) => {
    await sql`set local lock_timeout = '2s'`.execute(tx);
    // What is under way was written for the sinks of before: as for targets.
    await sql`lock table notifications in share mode`.execute(tx);
    await sql`
      insert into notification_sinks (name, events, registered_at, seen_at)
      values (${name}, ${events}::text[], clock_timestamp(), clock_timestamp())
      on conflict (name) do update set seen_at = excluded.seen_at`.execute(tx);
  });
}

/** Gives up the sinks that nobody has served for {@link GIVE_UP_AFTER}; answers with their names. */
export async function forgetAbandonedSinks(db: Database): Promise<readonly string[]> {
  const gone = await sql<{ name: string }>`
    delete from notification_sinks
     where seen_at < clock_timestamp() - cast(${GIVE_UP_AFTER} as interval)
    returning name`.execute(db);
  return gone.rows.map((row) => row.name);
}
