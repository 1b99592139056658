import { sql } from 'kysely';
import type { UserId } from '../core/ids.ts';
import { silentSince } from '../core/silence.ts';
import type { EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import type { Database } from '../db/database.ts';
import { fromTimestamp, toTimestamp } from '../db/timestamp.ts';

/** What a held plan would do to somebody, were it approved. */
export interface HeldLine {
  readonly plan: string;
  readonly decision: string;
  /** A reason code. */
  readonly reason: string;
  readonly expiresAt: EpochMs;
}

/** What was told of a silence that goes on. */
export interface SilenceWarning {
  /** The threshold, in days. */
  readonly days: number;
  readonly at: EpochMs;
}

/** What stands beside the state of a user. */
export interface BesideState {
  /** Lines that wait in plans which the brake holds. */
  readonly held: readonly HeldLine[];
  /** The last warning of the silence that goes on; null: none was given. */
  readonly silence: SilenceWarning | null;
}

/** Reads what stands beside the state of a user. Changes nothing. */
export async function besideState(db: Database, user: User, now: EpochMs): Promise<BesideState> {
  const [held, silence] = await Promise.all([heldLines(db, user, now), lastWarning(db, user)]);
  return { held, silence };
}

async function heldLines(db: Database, user: User, now: EpochMs): Promise<readonly HeldLine[]> {
  const rows = await db
    .selectFrom('plan_lines as line')
    .innerJoin('plans as plan', 'plan.run_id', 'line.run_id')
    .select(['plan.digest', 'line.decision', 'line.reason', 'plan.expires_at'])
    .where('line.user_id', '=', user.id)
    .where('line.waits', '=', true)
    .where('line.outcome', 'is', null)
    .where('plan.state', '=', 'held')
    .where('plan.connection_id', '=', user.connectionId)
    .where('plan.expires_at', '>', toTimestamp(now))
    .orderBy('line.seq')
    .execute();
  return rows.map(({ digest: plan, decision, reason, expires_at }) => {
    return { plan, decision, reason, expiresAt: fromTimestamp(expires_at) };
  });
}

async function lastWarning(db: Database, user: User): Promise<SilenceWarning | null> {
  const row = await db
    .selectFrom('silence_warnings')
    .select(['days', 'at'])
    .where('user_id', '=', user.id)
    // A sign-in ends a silence, and what was told of it.
    .where('silent_since', '=', toTimestamp(silentSince(user)))
    .orderBy('days', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : { days: row.days, at: fromTimestamp(row.at) };
}

/** Of which of these users a silence that goes on was told, and the last threshold, in days. */
export async function silencesTold(
  db: Database,
  users: readonly Pick<User, 'id'>[],
): Promise<ReadonlyMap<UserId, number>> {
  if (users.length === 0) return new Map();
  const rows = await db
    .selectFrom('silence_warnings as warning')
    .innerJoin('users as person', 'person.id', 'warning.user_id')
    .select(['warning.user_id', 'warning.days'])
    .where(sql<boolean>`warning.user_id = any(${users.map(({ id }) => id)}::uuid[])`)
    .where(sql<boolean>`warning.silent_since = greatest(coalesce(last_assertion_at, created_at),
        case when state = 'active' and state_reason = 'by_admin' then state_changed_at end)`)
    .orderBy('warning.days')
    .execute();
  return new Map(rows.map((row) => [row.user_id, row.days]));
}

/** For programs. */
export function besideStateToJson({ held, silence }: BesideState): Record<string, unknown> {
  const iso = (at: EpochMs): string => toTimestamp(at).toISOString();
  return {
    held: held.map(({ expiresAt, ...line }) => ({ ...line, expires_at: iso(expiresAt) })),
    silence_warned: silence === null ? null : { days: silence.days, at: iso(silence.at) },
  };
}
