import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { lockName } from '@rollcall/shared/db/named-lock';
import { sql } from 'kysely';
import type { DirectoryPlace } from '../directories/place.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import { claimFence, keepLease, LEASE_MS, type Lease } from './lease.ts';
import type { SweepWaits } from './summary.ts';

/** Whether a connection may be swept now. */
export type Turn =
  | { readonly kind: 'taken'; readonly lease: Lease }
  | { kind: 'busy' }
  | SweepWaits;

/**
 * Longer than this a directory is not left alone, whatever it says, in milliseconds:
 * somebody who left must not keep access for a day because of one header.
 */
const LONGEST_WAIT_MS = 60 * 60_000;
/** How long to wait for one of the connections that ask a directory to end, in milliseconds. */
const PATIENCE_MS = 1_000;

/**
 * Takes the lease of a connection when its directory can be asked: fewer connections
 * than it allows are being swept against it, and it has not asked to be left alone.
 * Both are counted in one transaction under a lock of the place, so that two processes
 * cannot both be the last one.
 */
export function takeTurn(
  db: Database,
  sweep: Pick<ConnectionSweep, 'connectionId' | 'place'>,
  holder: string,
  ttlMs: number = LEASE_MS,
): Promise<Turn> {
  const { connectionId, place = null } = sweep;
  return inTransaction(db, async (tx): Promise<Turn | string> => {
    if (place !== null) {
      const waits = await whyNotYet(tx, connectionId, place);
      if (waits !== null) return { kind: 'waits', connectionId, ...waits };
    }
    const fence = await claimFence(tx, connectionId, holder, ttlMs, place?.key ?? null);
    return fence ?? { kind: 'busy' };
  }).then((turn) =>
    // Committed: from here on it has to be renewed.
    typeof turn === 'string'
      ? { kind: 'taken', lease: keepLease(db, connectionId, turn, ttlMs) }
      : turn,
  );
}

async function whyNotYet(
  tx: Tx,
  connectionId: ConnectionSweep['connectionId'],
  { key, concurrency }: DirectoryPlace,
): Promise<Pick<SweepWaits, 'why' | 'delayMs'> | null> {
  await lockName(tx, `directory ${key}`);
  const answer = await sql<{ asking: string; wait: number | null }>`
    select (select count(*) from sweep_leases
             where place = ${key} and expires_at > clock_timestamp()
               and connection_id <> ${connectionId}) as asking,
           (select extract(epoch from not_before - clock_timestamp())::float8 * 1000
              from directory_pace where place = ${key}) as wait`.execute(tx);
  const { asking = '0', wait = null } = answer.rows[0] ?? {};
  // Whoever waits for the same moment must not come back in the same moment.
  if (wait !== null && wait > 0) {
    return { why: 'asked_to_wait', delayMs: Math.ceil(wait + Math.random() * PATIENCE_MS * 10) };
  }
  if (Number(asking) < concurrency) return null;
  return { why: 'directory_busy', delayMs: PATIENCE_MS * (1 + 4 * Math.random()) };
}

/** Remembers, for every connection that asks the same directory, that it asked us to wait. */
export async function noteRetryAfter(
  db: Database,
  place: DirectoryPlace | null,
  retryAfterMs: number | null,
): Promise<void> {
  if (place === null || retryAfterMs === null) return;
  const seconds = Math.min(retryAfterMs, LONGEST_WAIT_MS) / 1_000;
  await sql`
    insert into directory_pace as known (place, next_at, not_before)
    values (${place.key}, clock_timestamp(),
            clock_timestamp() + make_interval(secs => ${seconds}))
    on conflict (place) do update
      set not_before = greatest(known.not_before, excluded.not_before)`.execute(db);
}
