import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import type { Log } from '@rollcall/shared/telemetry/log';
import { sql } from 'kysely';
import { pruneAll } from './prune.ts';

/** What the daily work stands on. */
export interface RetentionTools {
  readonly db: Database;
  readonly log: Log;
  readonly clock: () => EpochMs;
}

/** How often a worker asks whether the day's work is due, in milliseconds. */
const ASKED_EVERY_MS = 10 * 60_000;
/** Whoever has begun has so long; then another worker begins anew. */
const CLAIM = '1 hour';
const EVERY = '24 hours';

/**
 * Prunes once a day, by whichever worker comes first, until the signal is aborted. Asked
 * of the database and not of the queue: it is due whatever the queue has lost.
 */
export async function keepRetention(
  retention: Config['retention'],
  tools: RetentionTools,
  signal: AbortSignal,
  askedEveryMs: number = ASKED_EVERY_MS,
): Promise<void> {
  while (!signal.aborted) {
    // Not all workers in the same moment.
    const pauseMs = askedEveryMs * (0.5 + Math.random());
    await wait(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await pruneIfDue(retention, tools, signal);
    } catch (error) {
      tools.log.warn({ event: 'retention.failed', err: error });
    }
  }
}

/** Does the day's work where it is due and nobody else is at it; false where not. */
export async function pruneIfDue(
  retention: Config['retention'],
  { db, log, clock }: RetentionTools,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await claim(db))) return false;
  const pruned = await pruneAll(db, retention, clock(), signal);
  if (signal.aborted) return true;
  await sql`update installation set retention_due_at = clock_timestamp() + cast(${EVERY} as interval)`.execute(
    db,
  );
  log.info({ event: 'retention.pruned', ...pruned });
  return true;
}

async function claim(db: Database): Promise<boolean> {
  const result = await sql`
    update installation set retention_due_at = clock_timestamp() + cast(${CLAIM} as interval)
     where retention_due_at <= clock_timestamp()`.execute(db);
  return (result.numAffectedRows ?? 0n) > 0n;
}
