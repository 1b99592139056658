import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { takeLease } from '../sweep/lease.ts';
import { endInterruptedRuns } from '../sweep/runs.ts';

/**
 * Marks the runs that a worker has left before it had a plan, of connections that nobody
 * sweeps any more: the next sweep would do it, and there will be none. Under the lease of
 * each, so that a worker that is only paused cannot go on with what was marked.
 *
 * @param swept the connections that are swept; their next run marks theirs.
 */
export async function endLeftRuns(
  db: Database,
  swept: ReadonlySet<string>,
  now: EpochMs,
): Promise<void> {
  const rows = await db
    .selectFrom('sweep_runs')
    .select('connection_id')
    .distinct()
    .where('state', 'in', ['listing', 'deciding'])
    .execute();
  for (const { connection_id } of rows) {
    if (!swept.has(connection_id)) await endRunsOf(db, connection_id, now);
  }
}

async function endRunsOf(db: Database, connectionId: ConnectionId, now: EpochMs): Promise<void> {
  const lease = await takeLease(db, connectionId, 'tidying up');
  if (lease === null) return;
  try {
    await endInterruptedRuns(lease, now);
  } finally {
    await lease.release();
  }
}
