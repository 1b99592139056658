import { type Database, overPool } from '@rollcall/shared/db/database';
import { foldCounts } from '@rollcall/shared/db/scim-counts';
import { pruneRefusals } from '@rollcall/shared/db/sign-in-refusals';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Engine } from '@rollcall/shared/engine/engine';
import { pruneOutbox } from '@rollcall/shared/outbox/prune';
import { forgetAbandonedTargets } from '@rollcall/shared/outbox/targets';
import type { Log } from '@rollcall/shared/telemetry/log';
import { PostgresReplayMemory } from './saml/postgres-replay-memory.ts';

/** How often expired rows are deleted, in milliseconds. Nothing depends on when. */
const EVERY = 5 * 60_000;

/**
 * Deletes, now and then, what nobody asks for any more: old refusals, sign-ins that were
 * begun and never ended, what expired cookies led to, and changes that every target has
 * taken long ago. Redis forgets by itself what is in it. Answers with what stops it, and
 * waits for a deletion that is under way.
 */
export function keepHouse(engine: Engine, log: Log, everyMs: number = EVERY): () => Promise<void> {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    // One that takes longer than the pause is waited for, not joined by another.
    running ??= deleteExpired(engine, log)
      .then(
        (rows) => log.debug({ event: 'housekeeping.pruned', rows }),
        (error: unknown) => log.warn({ event: 'housekeeping.failed', err: error }),
      )
      .then(() => {
        running = null;
      });
  }, everyMs);
  // It must not keep a process alive that has nothing else to do.
  timer.unref();
  return () => {
    clearInterval(timer);
    return running ?? Promise.resolve();
  };
}

async function deleteExpired({ kind, pool }: Engine, log: Log): Promise<number> {
  const changes = await forgetChanges(overPool(pool), log);
  const logouts = await pool.query('delete from logouts where expires_at < now()');
  const refusals = await pruneRefusals(overPool(pool), currentTime());
  const tests = await pool.query('delete from sign_in_tests where expires_at < now()');
  await foldCounts(overPool(pool));
  const all = changes + refusals + (logouts.rowCount ?? 0) + (tests.rowCount ?? 0);
  if (kind === 'redis') return all;
  const requests = await new PostgresReplayMemory(pool).prune(currentTime());
  const cookies = await pool.query('delete from http_sessions where expire < now()');
  const rates = await pool.query('delete from sign_in_rates where expire < $1', [currentTime()]);
  return all + requests + (cookies.rowCount ?? 0) + (rates.rowCount ?? 0);
}

async function forgetChanges(db: Database, log: Log): Promise<number> {
  const targets = await forgetAbandonedTargets(db);
  if (targets.length > 0) log.warn({ event: 'target.given_up', targets });
  return pruneOutbox(db);
}
