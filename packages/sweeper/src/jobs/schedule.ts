import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { SWEEP_JOB, type SweepPayload } from './payload.ts';

const PREFIX = 'sweep-';

/**
 * Has each connection swept as often as it is configured, and ends the schedules of
 * connections that are gone. Every worker may call it: a schedule is there once.
 */
export async function scheduleSweeps(
  queue: JobQueue,
  sweeps: readonly Pick<ConnectionSweep, 'connectionId' | 'everyMs'>[],
): Promise<void> {
  const wanted = new Set(sweeps.map((sweep) => scheduleId(sweep.connectionId)));
  for (const id of await queue.schedules()) {
    if (id.startsWith(PREFIX) && !wanted.has(id)) await queue.unschedule(id);
  }
  for (const { connectionId, everyMs } of sweeps) {
    const payload: SweepPayload = { connectionId, trigger: 'schedule' };
    await queue.schedule(scheduleId(connectionId), everyMs, SWEEP_JOB, payload);
  }
}

/** The id of the schedule of a connection. */
export function scheduleId(connectionId: ConnectionId): string {
  return `${PREFIX}${connectionId}`;
}
