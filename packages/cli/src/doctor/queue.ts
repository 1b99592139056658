import { resolveServerUrl } from '@rollcall/shared/config/secrets';
import { openEngine } from '@rollcall/shared/engine/engine';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import { openQueues } from '@rollcall/shared/queue/queues';
import { SWEEP_QUEUE } from '@rollcall/sweeper/jobs/payload';
import { scheduleId } from '@rollcall/sweeper/jobs/schedule';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** Whether the queue answers, and holds the schedule of each connection that is swept. */
export async function examineQueue(
  foundation: Foundation,
  { config, env }: Patient,
): Promise<readonly Finding[]> {
  const swept = config.connections.filter(({ sweep }) => sweep !== null).map(({ id }) => id);
  if (!(await isMade(foundation, config.redis.url !== null))) return [notScheduled(swept)];
  const url = config.redis.url;
  const source = url === null ? null : { url: await resolveServerUrl('redis', url, env) };
  const engine = await openEngine(foundation.pool, source);
  try {
    const queues = await openQueues({ ...foundation, engine });
    const queue = queues.queue(SWEEP_QUEUE);
    try {
      const schedules = new Set((await queue.schedules()).map(({ id }) => id));
      const missing = swept.filter((id) => !schedules.has(scheduleId(id)));
      if (missing.length > 0) return [notScheduled(missing)];
      return [ok('queue', `${engine.kind === 'redis' ? 'Redis' : 'Postgres'} answers`)];
    } finally {
      await queue.close();
    }
  } finally {
    await engine.close();
  }
}

/** The first worker makes the queue's tables; an examination makes nothing. */
async function isMade({ pool }: Foundation, onRedis: boolean): Promise<boolean> {
  if (onRedis) return true;
  const { rows } = await pool.query("select to_regclass('bullmq.job') is not null as there");
  return rows[0]?.there === true;
}

function notScheduled(connections: readonly string[]): Finding {
  if (connections.length === 0) return ok('queue', 'nothing to schedule: no connection is swept');
  return wrong('warning', 'queue', {
    code: 'doctor.not_scheduled',
    message: `no sweep of ${connections.join(', ')} is scheduled: no worker has started with this configuration yet`,
    cure: 'rollcall start (or start --role worker).',
  });
}
