import { resolveServerUrl } from '@rollcall/shared/config/secrets';
import { connectRedis } from '@rollcall/shared/engine/engine';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** The one policy under which nothing is thrown away that somebody relies on. */
const KEEPS_ALL = 'noeviction';

/** Whether Redis answers, and whether it keeps what it is given; nothing where there is none. */
export async function examineRedis({ config, env }: Patient): Promise<readonly Finding[]> {
  if (config.redis.url === null) return [];
  const redis = await connectRedis(await resolveServerUrl('redis', config.redis.url, env));
  try {
    // CONFIG is often forbidden where Redis is rented; INFO says the same.
    const info = await redis.info();
    const version = fieldOf(info, 'redis_version') ?? 'of unknown version';
    return [ok('redis', `Redis ${version} answers`), judgeEviction(info)];
  } finally {
    redis.disconnect();
  }
}

/**
 * A used assertion or a job that Redis evicts is forgotten, and nobody is told.
 *
 * @param info what `INFO` answers.
 */
export function judgeEviction(info: string): Finding {
  const policy = fieldOf(info, 'maxmemory_policy') ?? 'unknown';
  const limit = Number(fieldOf(info, 'maxmemory') ?? 0);
  if (policy === KEEPS_ALL) return ok('redis', `maxmemory-policy ${policy}`);
  // Without a limit there is nothing to evict yet.
  return wrong(limit > 0 ? 'fault' : 'warning', 'redis', {
    code: 'doctor.redis_evicts',
    message: `maxmemory-policy: expected ${KEEPS_ALL}, received ${policy}${limit > 0 ? '' : ' (no maxmemory is set)'}`,
    cure: `redis-cli CONFIG SET maxmemory-policy ${KEEPS_ALL}, and the same in redis.conf.`,
  });
}

function fieldOf(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
}
