import type { EpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Redis } from 'ioredis';
import type { ReplayMemory } from './replay-memory.ts';
import { orUnavailable } from './replay-memory-failure.ts';

/**
 * The memory in Redis ≥ 6.2 (GETDEL). Redis is told how long an entry lives and not
 * until when: with a clock that is ahead it would say OK and keep nothing.
 * It must not evict: with `maxmemory-policy` other than `noeviction` a used
 * assertion could be forgotten while it is still valid.
 */
export class RedisReplayMemory implements ReplayMemory {
  readonly #redis: Pick<Redis, 'set' | 'getdel'>;

  /** @param redis a client that gives up (`maxRetriesPerRequest`, `commandTimeout`), so that no sign-in waits for ever. */
  constructor(redis: Pick<Redis, 'set' | 'getdel'>) {
    this.#redis = redis;
  }

  put(space: string, key: string, value: string, expiresAt: EpochMs): Promise<boolean> {
    return orUnavailable('Redis', async () => {
      const lifeMs = expiresAt - currentTime();
      if (lifeMs <= 0) return false;
      const answer = await this.#redis.set(keyOf(space, key), value, 'PX', lifeMs, 'NX');
      return answer === 'OK';
    });
  }

  take(space: string, key: string): Promise<string | null> {
    return orUnavailable('Redis', () => this.#redis.getdel(keyOf(space, key)));
  }
}

/** Only spaces hold colons, so that no space and key read like another space and key. */
function keyOf(space: string, key: string): string {
  const plain = key.replaceAll('%', '%25').replaceAll(':', '%3A');
  return `rollcall:${space}:${plain}`;
}
