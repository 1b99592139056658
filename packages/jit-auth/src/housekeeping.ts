import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import { PostgresReplayMemory } from './saml/postgres-replay-memory.ts';

/** How often expired rows are deleted, in milliseconds. Nothing depends on when. */
const EVERY = 5 * 60_000;

/**
 * Deletes, now and then, what nobody asks for any more: anybody may begin a sign-in
 * and never end it. Redis forgets by itself. Answers with what stops it, and waits
 * for a deletion that is under way.
 */
export function keepHouse(engine: Engine, log: Log, everyMs: number = EVERY): () => Promise<void> {
  if (engine.kind === 'redis') return async () => undefined;
  const memory = new PostgresReplayMemory(engine.pool);
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = memory.prune(currentTime()).then(
      (rows) => log.debug({ event: 'housekeeping.pruned', rows }),
      (error: unknown) => log.warn({ event: 'housekeeping.failed', err: error }),
    );
  }, everyMs);
  // It must not keep a process alive that has nothing else to do.
  timer.unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}
