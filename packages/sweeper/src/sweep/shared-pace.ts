import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '@rollcall/shared/db/database';
import { sql } from 'kysely';
import type { Pace } from '../directories/pace.ts';
import type { DirectoryPlace } from '../directories/place.ts';

/**
 * Keeps to the requests per second of a directory together with every other process:
 * each request takes the next free moment from one row, then waits for it. Null where
 * the directory has no such limit, for a question to Postgres before each would be in vain.
 */
export function sharedPace(db: Database, place: DirectoryPlace | null): Pace | null {
  if (place === null || place.requestsPerSecond === null) return null;
  const { key, requestsPerSecond } = place;
  const step = sql`make_interval(secs => ${1 / requestsPerSecond})`;
  return async (signal) => {
    signal.throwIfAborted();
    const answer = await sql<{ wait: number }>`
      insert into directory_pace as known (place, next_at)
      values (${key}, clock_timestamp() + ${step})
      on conflict (place) do update
        set next_at = greatest(known.next_at, known.not_before, clock_timestamp()) + ${step}
      returning extract(epoch from next_at - ${step} - clock_timestamp())::float8 * 1000
        as wait`.execute(db);
    const waitMs = answer.rows[0]?.wait ?? 0;
    if (waitMs > 0) await wait(waitMs, undefined, { signal });
  };
}
