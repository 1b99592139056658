import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { sql } from 'kysely';

/** How long a lease lives without being renewed, in milliseconds: so long may a crash block others. */
export const LEASE_MS = 30_000;

/** The right to write for one connection's sweep, held by one worker at a time. */
export interface Lease {
  readonly connectionId: ConnectionId;
  /** Rises with every holder. */
  readonly fence: string;
  /** Aborted when the lease is lost: whatever is under way need not go on. */
  readonly lost: AbortSignal;
  /**
   * Runs `work` in a transaction that commits only while this holder is still the
   * latest. A worker that was paused and wakes up writes nothing.
   * Throws `sweep.lease_lost`.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Gives the lease back. May be called twice. */
  release(): Promise<void>;
}

/**
 * Takes the lease of a connection and keeps it until it is released; null while
 * another worker holds it. The database's clock alone decides what has expired.
 *
 * @param place the directory that the holder will ask, where it asks one.
 */
export async function takeLease(
  db: Database,
  connectionId: ConnectionId,
  holder: string,
  ttlMs: number = LEASE_MS,
  place: string | null = null,
): Promise<Lease | null> {
  const fence = await claimFence(db, connectionId, holder, ttlMs, place);
  return fence === null ? null : keepLease(db, connectionId, fence, ttlMs);
}

/** Takes the next fence of a connection; null while another worker holds the last one. */
export async function claimFence(
  db: Database | Tx,
  connectionId: ConnectionId,
  holder: string,
  ttlMs: number,
  place: string | null,
): Promise<string | null> {
  const taken = await sql<{ fence: string }>`
    insert into sweep_leases as held (connection_id, fence, holder, expires_at, place)
    values (${connectionId}, 1, ${holder}, ${expiry(ttlMs)}, ${place})
    on conflict (connection_id) do update
      set fence = held.fence + 1, holder = excluded.holder, expires_at = excluded.expires_at,
          place = excluded.place
      where held.expires_at <= clock_timestamp()
    returning fence`.execute(db);
  return taken.rows[0]?.fence ?? null;
}

/**
 * As {@link takeLease}, for a person who can try again.
 * Throws `sweep.busy` while another worker holds it.
 */
export async function requireLease(
  db: Database,
  connectionId: ConnectionId,
  holder: string,
): Promise<Lease> {
  const lease = await takeLease(db, connectionId, holder);
  if (lease !== null) return lease;
  throw new AppError(
    'sweep.busy',
    `A sweep of ${connectionId} is running: try again when it has ended.`,
    { detail: { expected: 'no other worker', received: await leaseHolder(db, connectionId) } },
  );
}

/** Who holds the lease of a connection now, or null. */
export async function leaseHolder(
  db: Database,
  connectionId: ConnectionId,
): Promise<string | null> {
  const row = await db
    .selectFrom('sweep_leases')
    .select('holder')
    .where('connection_id', '=', connectionId)
    .where(sql<boolean>`expires_at > clock_timestamp()`)
    .executeTakeFirst();
  return row?.holder ?? null;
}

/** Keeps a fence that was claimed and committed. */
export function keepLease(
  db: Database,
  connectionId: ConnectionId,
  fence: string,
  ttlMs: number,
): Lease {
  const lost = new AbortController();
  let renewing: Promise<void> | null = null;
  const renew = async (): Promise<void> => {
    // A failed attempt is not a loss: the next may succeed, and every write checks anyway.
    const held = await extend(db, connectionId, fence, ttlMs).catch(() => true);
    renewing = null;
    if (!held) lost.abort(leaseLost(connectionId));
  };
  const renewOnce = (): void => {
    // Waits while a transaction of ours holds the row: one at a time is enough.
    renewing ??= renew();
  };
  const timer = setInterval(renewOnce, Math.max(50, Math.floor(ttlMs / 3)));
  timer.unref();
  return {
    connectionId,
    fence,
    lost: lost.signal,
    write: async (work) => {
      // Share locks that overlap would keep a renewal waiting until the lease has run out.
      await renewing;
      return inTransaction(db, async (tx) => {
        await requireFence(tx, connectionId, fence);
        return work(tx);
      });
    },
    release: async () => {
      clearInterval(timer);
      // One that is under way would take back what is given back here.
      await renewing;
      await extend(db, connectionId, fence, 0);
    },
  };
}

/** Share-locked until the transaction ends: nobody can take the lease over in between. */
async function requireFence(tx: Tx, connectionId: ConnectionId, fence: string): Promise<void> {
  const row = await tx
    .selectFrom('sweep_leases')
    .select('fence')
    .where('connection_id', '=', connectionId)
    .where('fence', '=', fence)
    .forShare()
    .executeTakeFirst();
  if (row === undefined) throw leaseLost(connectionId);
}

async function extend(
  db: Database,
  connectionId: ConnectionId,
  fence: string,
  ttlMs: number,
): Promise<boolean> {
  const result = await db
    .updateTable('sweep_leases')
    .set({ expires_at: expiry(ttlMs) })
    .where('connection_id', '=', connectionId)
    .where('fence', '=', fence)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

function expiry(ttlMs: number) {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${ttlMs / 1000})`;
}

function leaseLost(connectionId: ConnectionId): AppError {
  return new AppError(
    'sweep.lease_lost',
    `Another worker has taken over the sweep of ${connectionId}; this one writes nothing more.`,
  );
}
