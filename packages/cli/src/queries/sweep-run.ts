import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import type { SweepState } from '@rollcall/shared/db/tables';
import { fromTimestamp } from '@rollcall/shared/db/timestamp';

/** What a run's listing was found to be. */
export interface ListingFacts {
  readonly runId: RunId;
  readonly connectionId: string;
  readonly state: SweepState;
  readonly startedAt: EpochMs;
  readonly snapshot: 'complete' | 'partial' | null;
  readonly rows: number | null;
  readonly pages: number | null;
  readonly code: string | null;
  readonly explanation: string | null;
}

/** The facts about the listing of a run; null where there is no such run. */
export async function findRun(db: Database, id: string): Promise<ListingFacts | null> {
  const row = await db
    .selectFrom('sweep_runs')
    .select(['id', 'connection_id', 'state', 'started_at', 'snapshot_kind'])
    .select(['rows', 'pages', 'code', 'explanation'])
    .where('id', '=', id as RunId)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    runId: row.id,
    connectionId: row.connection_id,
    state: row.state,
    startedAt: fromTimestamp(row.started_at),
    snapshot: row.snapshot_kind,
    rows: row.rows,
    pages: row.pages,
    code: row.code,
    explanation: row.explanation,
  };
}
