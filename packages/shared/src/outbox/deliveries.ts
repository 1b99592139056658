import { sql } from 'kysely';
import type { OutboxKind } from '../core/change-payload.ts';
import type { Database } from '../db/database.ts';
import type { Change } from './change.ts';
import type { InHand } from './relay-round.ts';

/** A change that one relay has in hand, for one target. */
export type Delivery = InHand<Change>;

interface ClaimedRow {
  readonly seq: string;
  readonly attempts: number;
  readonly id: string;
  readonly kind: OutboxKind;
  readonly at: Date;
  readonly payload: Record<string, unknown>;
  readonly record: string;
  readonly person: string;
  readonly connection: string;
  readonly subject: string;
}

/**
 * Takes what is due for a target into hand, at most one change of each user: the first
 * one, so that nobody hears of a later change before an earlier one. Nobody else
 * takes these until `leaseMs` have passed.
 */
export async function claimDeliveries(
  db: Database,
  target: string,
  claim: string,
  { most, leaseMs }: { readonly most: number; readonly leaseMs: number },
): Promise<readonly Delivery[]> {
  const taken = await sql<ClaimedRow>`
    with due as (
      select d.seq from outbox_deliveries d
       where d.target = ${target} and d.parked_at is null and d.due_at <= clock_timestamp()
         and not exists (select from outbox_targets t where t.name = d.target and t.gone_at is not null)
         and not exists (
           select from outbox_deliveries before
            where before.target = d.target and before.user_id = d.user_id and before.seq < d.seq)
       order by d.due_at, d.seq
       limit ${most}
         for update of d skip locked
    ), taken as (
      update outbox_deliveries d
         set attempts = d.attempts + 1, claim = ${claim}, due_at = ${later(leaseMs)}
        from due where d.seq = due.seq
      returning d.seq, d.attempts, d.outbox_id
    )
    select t.seq, t.attempts, o.id, o.kind, o.at, o.payload, u.id as record,
           coalesce(u.person_id, u.id) as person, u.connection_id as connection, u.subject
      from taken t join outbox o on o.id = t.outbox_id join users u on u.id = o.user_id
     order by t.seq`.execute(db);
  return taken.rows.map((row) => ({ seq: row.seq, claim, item: toChange(row) }));
}

/** The target has taken the change. False where the claim had run out by then. */
export async function settleDelivery(db: Database, { seq, claim }: Delivery): Promise<boolean> {
  const gone = await sql`
    delete from outbox_deliveries where seq = ${seq} and claim = ${claim}`.execute(db);
  return Number(gone.numAffectedRows ?? 0) > 0;
}

/** The target has not taken the change: it comes again after `delayMs`. */
export async function postponeDelivery(
  db: Database,
  { seq, claim }: Delivery,
  { error, delayMs }: { readonly error: string; readonly delayMs: number },
): Promise<void> {
  await sql`
    update outbox_deliveries
       set claim = null, due_at = ${later(delayMs)}, error = ${error}, failed_at = clock_timestamp()
     where seq = ${seq} and claim = ${claim}`.execute(db);
}

/** Gives a change up until somebody replays it; the user's later ones wait behind it. */
export async function parkDelivery(
  db: Database,
  { seq, claim }: Delivery,
  error: string,
): Promise<void> {
  await sql`
    update outbox_deliveries
       set claim = null, parked_at = clock_timestamp(), error = ${error},
           failed_at = clock_timestamp()
     where seq = ${seq} and claim = ${claim}`.execute(db);
}

/** Sends a target nothing more until somebody replays what waits for it. */
export async function closeTarget(db: Database, target: string, error: string): Promise<void> {
  await sql`
    update outbox_targets set gone_at = clock_timestamp(), gone_why = ${error}
     where name = ${target} and gone_at is null`.execute(db);
}

/** The moment so many milliseconds from now, by the clock of the database. */
export function later(ms: number) {
  return sql`clock_timestamp() + make_interval(secs => ${ms / 1_000})`;
}

function toChange(row: ClaimedRow): Change {
  const { subject: _, ...payload } = row.payload;
  return {
    ...payload,
    id: row.id,
    kind: row.kind,
    at: row.at.toISOString(),
    attempt: row.attempts,
    user: {
      id: row.person,
      record: row.record,
      connection: row.connection,
      subject: row.subject,
    },
    // The payload was written as `ChangePayloads` has it, by `putIntoOutbox` alone.
  } as Change;
}
