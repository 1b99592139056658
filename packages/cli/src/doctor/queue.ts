import { resolveServerUrl } from '@rollcall/shared/config/secrets';
import { openEngine } from '@rollcall/shared/engine/engine';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import type { DeadJob } from '@rollcall/shared/queue/job';
import { connectionOf } from '@rollcall/sweeper/jobs/dead-letters';
import { scheduleId } from '@rollcall/sweeper/jobs/schedule';
import { withSweepQueue } from '../queries/sweep-queue.ts';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** So many dead letters are named. */
const SHOWN = 3;

/**
 * Whether the queue answers, holds the schedule of each connection that is swept, and no
 * job has failed for good.
 */
export async function examineQueue(
  foundation: Foundation,
  { config, env }: Patient,
): Promise<readonly Finding[]> {
  const swept = config.connections.filter(({ sweep }) => sweep !== null).map(({ id }) => id);
  const url = config.redis.url;
  const source = url === null ? null : { url: await resolveServerUrl('redis', url, env) };
  const engine = await openEngine(foundation.pool, source);
  try {
    const found = await withSweepQueue({ ...foundation, engine }, async (queue) => {
      const schedules = new Set((await queue.schedules()).map(({ id }) => id));
      const missing = swept.filter((id) => !schedules.has(scheduleId(id)));
      const { dead } = await queue.counts();
      const name = engine.kind === 'redis' ? 'Redis' : 'Postgres';
      return [
        missing.length > 0 ? notScheduled(missing) : ok('queue', `${name} answers`),
        ...(dead === 0 ? [] : [deadLetters(dead, await queue.dead(SHOWN))]),
      ];
    });
    return found ?? [notScheduled(swept)];
  } finally {
    await engine.close();
  }
}

function deadLetters(count: number, newest: readonly DeadJob[]): Finding {
  const named = newest.map((job) => `${connectionOf(job) ?? job.id} (${job.reason.slice(0, 120)})`);
  const more = count > newest.length ? `, and ${count - newest.length} more` : '';
  const jobs = count === 1 ? '1 job has' : `${count} jobs have`;
  return wrong('warning', 'queue', {
    code: 'doctor.dead_letters',
    message: `${jobs} failed for good: ${named.join(', ')}${more}`,
    cure: 'rollcall jobs list says why; then rollcall jobs retry, or jobs drop.',
  });
}

function notScheduled(connections: readonly string[]): Finding {
  if (connections.length === 0) return ok('queue', 'nothing to schedule: no connection is swept');
  return wrong('warning', 'queue', {
    code: 'doctor.not_scheduled',
    message: `no sweep of ${connections.join(', ')} is scheduled: no worker has started with this configuration yet`,
    cure: 'rollcall start (or start --role worker).',
  });
}
