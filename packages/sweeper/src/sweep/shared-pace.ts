import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '@rollcall/shared/db/database';
import { sql } from 'kysely';
import { DirectoryError } from '../directories/directory-error.ts';
import type { Pace } from '../directories/pace.ts';
import type { DirectoryPlace } from '../directories/place.ts';
import { noteRetryAfter } from './turn.ts';

/** A directory that wants to be left alone for longer is not waited for under a lease. */
const PATIENCE_MS = 60_000;

/**
 * Keeps to the requests per second of a directory together with every other process:
 * each request takes the next free moment from one row, then waits for it. Where the
 * directory has no such limit, nothing is waited for: a question to Postgres before each
 * request would be in vain. Either way a pause that the directory asks for is told to
 * everybody who asks it. Null where there is no place.
 */
export function sharedPace(db: Database, place: DirectoryPlace | null): Pace | null {
  if (place === null) return null;
  const hold = (durationMs: number): Promise<void> => noteRetryAfter(db, place, durationMs);
  if (place.requestsPerSecond === null) return Object.assign(async () => undefined, { hold });
  const step = sql`make_interval(secs => ${1 / place.requestsPerSecond})`;
  const takeMoment = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    const answer = await sql<{ wait: number; held: number | null }>`
      insert into directory_pace as known (place, next_at)
      values (${place.key}, clock_timestamp() + ${step})
      on conflict (place) do update
        set next_at = greatest(known.next_at, known.not_before, clock_timestamp()) + ${step}
      returning extract(epoch from next_at - ${step} - clock_timestamp())::float8 * 1000 as wait,
                extract(epoch from not_before - clock_timestamp())::float8 * 1000 as held`.execute(
      db,
    );
    const { wait: waitMs = 0, held = null } = answer.rows[0] ?? {};
    if (held !== null && held > PATIENCE_MS) throw askedToWait(held);
    if (waitMs > 0) await wait(waitMs, undefined, { signal });
  };
  return Object.assign(takeMoment, { hold });
}

function askedToWait(retryAfterMs: number): DirectoryError {
  const said = `for ${Math.ceil(retryAfterMs / 1_000)} s more`;
  return new DirectoryError('rate_limited', `The directory asked to be left alone ${said}.`, {
    retryAfterMs,
  });
}
