import type { UserId } from '@rollcall/shared/core/ids';
import {
  countSilence,
  DAY_MS,
  type SilencePolicy,
  silentDaysOf,
  silentSince,
} from '@rollcall/shared/core/silence';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { labelOf } from '@rollcall/shared/core/user';
import { daysOf } from '@rollcall/shared/db/connection-days';
import type { Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { raise } from '@rollcall/shared/notify/raise';
import { sql } from 'kysely';
import type { KnownUser } from '../reconcile/known-user.ts';
import { warningOf } from '../reconcile/silence.ts';
import type { Run } from './run.ts';

/** Adds to each of a part for how many days they have been silent, where that counts. */
export async function withSilence(
  run: Pick<Run, 'db' | 'sweep'>,
  part: readonly KnownUser[],
  now: EpochMs,
): Promise<readonly KnownUser[]> {
  const { policy, connectionId } = run.sweep;
  const first = part[0];
  if (policy.silence === undefined || first === undefined) return part;
  const oldest = part.reduce<number>((so, { user }) => Math.min(so, silentSince(user)), now);
  const since = toEpochMs(oldest);
  const countable = silentDaysOf(await daysOf(run.db, connectionId, since));
  return part.map((person) => ({
    ...person,
    silentDays: countSilence(countable, silentSince(person.user), now),
  }));
}

/**
 * Users who may be silent for as long as the first warning asks, for the comparison: on
 * the calendar, which no count of days exceeds.
 */
export function maySilent({ deactivateDays, warnDays }: SilencePolicy, now: EpochMs) {
  const days = Math.min(deactivateDays, ...warnDays);
  return sql<boolean>`(u.owner = 'roll' and u.state in ('active', 'suspected', 'contained')
    and coalesce(u.last_assertion_at, u.created_at) <= ${toTimestamp(after(now, -days * DAY_MS))})`;
}

/**
 * Warns of whom of a part silence will end: once for each threshold and silence, whichever
 * worker comes first. In every mode, for it changes nothing.
 */
export async function warnOfSilence(
  run: Run,
  part: readonly KnownUser[],
  now: EpochMs,
): Promise<void> {
  const { policy } = run.sweep;
  const { silence } = policy;
  if (silence === undefined) return;
  const due = part.flatMap((person) => {
    const days = warningOf(person, policy, silence);
    return days === null ? [] : [{ person, days }];
  });
  if (due.length === 0) return;
  await run.lease.write(async (tx) => {
    const fresh = await recordWarnings(tx, due, now);
    for (const { person, days } of due) {
      if (fresh.has(person.user.id)) await tell(tx, { person, days }, silence, now);
    }
  });
}

interface Warning {
  readonly person: KnownUser;
  /** The threshold. */
  readonly days: number;
}

/** Answers with those who had not been warned so yet. */
async function recordWarnings(
  tx: Tx,
  due: readonly Warning[],
  now: EpochMs,
): Promise<ReadonlySet<UserId>> {
  const rows = due.map(({ person: { user }, days }) => ({
    user_id: user.id,
    silent_since: toTimestamp(silentSince(user)),
    days,
    at: toTimestamp(now),
  }));
  const added = await tx
    .insertInto('silence_warnings')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['user_id', 'silent_since', 'days']).doNothing())
    .returning('user_id')
    .execute();
  return new Set(added.map((row) => row.user_id));
}

async function tell(
  tx: Tx,
  { person: { user, silentDays = 0 }, days }: Warning,
  { deactivateDays }: SilencePolicy,
  now: EpochMs,
): Promise<void> {
  const since = silentSince(user);
  const left = deactivateDays - silentDays;
  await raise(
    tx,
    {
      event: 'silence.warning',
      connectionId: user.connectionId,
      about: `${user.id} ${since} ${days}`,
      facts: {
        user: `${user.id} (${labelOf(user)})`,
        last_sign_in_at: iso(since),
        silent_days: silentDays,
        deactivates_at: iso(after(now, left * DAY_MS)),
      },
    },
    now,
  );
}

function iso(at: EpochMs): string {
  return new Date(at).toISOString();
}
