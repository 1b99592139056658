import { randomUUID } from 'node:crypto';
import { validateConfig } from '@rollcall/shared/config/load';
import type { EpochMs } from '@rollcall/shared/core/time';
import { migrate } from '@rollcall/shared/db/migrate';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { type Foundation, openFoundation } from '@rollcall/shared/engine/foundation';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { type FreshRedis, redisOrNull } from '../../setup/redis.ts';

/** A database and, on that engine, a Redis of a test's own, with queues to be opened on it. */
export interface JobHouse {
  readonly fresh: FreshDatabase;
  readonly foundation: Foundation;
  /** Pretends that a connection was swept then. */
  addRun(connection: string, at: EpochMs): Promise<void>;
  close(): Promise<void>;
}

export async function openJobHouse(engine: 'postgres' | 'redis'): Promise<JobHouse> {
  const fresh = await freshDatabase();
  const redis: FreshRedis | null = engine === 'redis' ? await redisOrNull() : null;
  const foundation = await foundationOver(fresh.url, redis?.url ?? null);
  await migrate(foundation.pool);
  return {
    fresh,
    foundation,
    addRun: async (connection, at) => {
      const text = `insert into sweep_runs (id, connection_id, trigger, state, fence, started_at)
        values ($1, $2, 'schedule', 'applied', 1, $3)`;
      await foundation.pool.query(text, [randomUUID(), connection, toTimestamp(at)]);
    },
    close: async () => {
      await foundation.close();
      await redis?.release();
      await fresh.drop();
    },
  };
}

/** A foundation over databases that are there, as a process of its own would open it. */
export function foundationOver(
  databaseUrl: string,
  redisUrl: string | null = null,
): Promise<Foundation> {
  const config = validateConfig(
    {
      version: 1,
      public_url: 'http://localhost:3000',
      session: { keys: ['env:SESSION_KEY'] },
      connections: [
        {
          id: 'acme',
          idp: { metadata_url: 'https://idp.example/metadata' },
          subject: { name_id: 'persistent' },
        },
      ],
    },
    { env: process.env },
  );
  return openFoundation({
    ...config,
    database: { url: { kind: 'plain', value: databaseUrl } },
    redis: { url: redisUrl === null ? null : { kind: 'plain', value: redisUrl } },
  });
}
