import { after, type EpochMs } from '@rollcall/shared/core/time';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type pg from 'pg';
import type { ReplayMemory } from './replay-memory.ts';
import { orUnavailable } from './replay-memory-failure.ts';

// These two commit without waiting for the disk. Nobody is let in by them alone: what
// lets in is a later commit to the same database, and that waits until everything
// written before it is on disk, too, and on the replicas that it waits for (PostgreSQL
// §28.3). Lost in a crash they can be only together with the sign-in.
const SOON = "soon as materialized (select set_config('synchronous_commit', 'off', true))";
// Expiry is judged by the clock of the database: every instance has the same.
// A row that has expired is as good as none, so `put` writes over it.
const PUT = `
  with ${SOON}
  insert into one_time (space, key, value, expires_at)
  select $1, $2, $3, $4::timestamptz from soon where $4::timestamptz > clock_timestamp()
  on conflict (space, key) do update
    set value = excluded.value, expires_at = excluded.expires_at
    where one_time.expires_at <= clock_timestamp()
  returning key`;
const TAKE = `
  with ${SOON}
  delete from one_time using soon where space = $1 and key = $2
  returning value, expires_at > clock_timestamp() as live`;
const PRUNE = 'delete from one_time where expires_at <= $1';

/** How long expired rows stay, in milliseconds: clocks of several hosts may differ. */
const PRUNE_AFTER_MS = 60_000;

/** The memory in the table `one_time`. */
export class PostgresReplayMemory implements ReplayMemory {
  readonly #pool: Pick<pg.Pool, 'query'>;

  constructor(pool: Pick<pg.Pool, 'query'>) {
    this.#pool = pool;
  }

  put(space: string, key: string, value: string, expiresAt: EpochMs): Promise<boolean> {
    return orUnavailable('Postgres', async () => {
      const row = [space, key, value, toTimestamp(expiresAt)];
      const { rowCount } = await this.#pool.query(PUT, row);
      return rowCount === 1;
    });
  }

  take(space: string, key: string): Promise<string | null> {
    return orUnavailable('Postgres', async () => {
      const { rows } = await this.#pool.query<{ value: string; live: boolean }>(TAKE, [space, key]);
      const [row] = rows;
      return row?.live ? row.value : null;
    });
  }

  /**
   * Deletes what has expired and returns how many rows that was. To be called
   * now and then; nothing depends on when. Throws `saml.replay_memory_unavailable`.
   */
  prune(now: EpochMs): Promise<number> {
    return orUnavailable('Postgres', async () => {
      const { rowCount } = await this.#pool.query(PRUNE, [
        toTimestamp(after(now, -PRUNE_AFTER_MS)),
      ]);
      return rowCount ?? 0;
    });
  }
}
