import { createHash } from 'node:crypto';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp } from '@rollcall/shared/db/timestamp';
import type { Schedule } from '@rollcall/shared/queue/job';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import { sql } from 'kysely';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { SWEEP_JOB, type SweepPayload } from './payload.ts';

const PREFIX = 'sweep-';
/** First sweeps of a start begin so far apart on average, in milliseconds. */
const APART_MS = 300;

/** A connection that is swept, and how often. */
export type Scheduled = Pick<ConnectionSweep, 'connectionId' | 'everyMs'>;

/**
 * Has each connection swept as often as it is configured, and ends the schedules of
 * connections that are gone. Every worker may call it, and they may call it together:
 * a connection's times follow from its id alone.
 */
export async function scheduleSweeps(
  queue: JobQueue,
  sweeps: readonly Scheduled[],
  now: EpochMs,
): Promise<void> {
  const wanted = new Set(sweeps.map((sweep) => scheduleId(sweep.connectionId)));
  for (const { id } of await queue.schedules()) {
    if (id.startsWith(PREFIX) && !wanted.has(id)) await queue.unschedule(id);
  }
  await keepSchedules(queue, sweeps, now, (kept, schedule) => !isSame(kept, schedule));
}

/**
 * Puts schedules in again that are lost, as they are where Redis has lost its memory, or
 * that make no more jobs, as where the queue could not be reached in the moment in which
 * the next one was due. Leaves alone what other workers may have been told otherwise.
 */
export function repairSchedules(
  queue: JobQueue,
  sweeps: readonly Scheduled[],
  now: EpochMs,
): Promise<void> {
  return keepSchedules(queue, sweeps, now, () => false);
}

async function keepSchedules(
  queue: JobQueue,
  sweeps: readonly Scheduled[],
  now: EpochMs,
  isOther: (kept: Schedule, schedule: Schedule) => boolean,
): Promise<void> {
  const kept = new Map((await queue.schedules()).map((schedule) => [schedule.id, schedule]));
  for (const sweep of sweeps) {
    const schedule = scheduleOf(sweep);
    const known = kept.get(schedule.id);
    if (known !== undefined) {
      const overdue = known.nextAt !== null && known.nextAt < now - known.everyMs;
      if (!overdue && !isOther(known, schedule)) continue;
      // Replaced as it is, it would keep the time of its next job, however long past.
      await queue.unschedule(schedule.id);
    }
    const payload: SweepPayload = { connectionId: sweep.connectionId, trigger: 'schedule' };
    await queue.schedule(schedule, SWEEP_JOB, payload);
  }
}

/**
 * Sweeps connections soon that have not been swept for longer than their interval: new
 * ones, and all of them after an outage. Not in the same second: they are spread, and
 * each has its own moment, so that two workers that start together mean the same.
 */
export async function catchUp(
  queue: JobQueue,
  db: Database,
  sweeps: readonly Scheduled[],
  now: EpochMs,
): Promise<void> {
  const last = await lastRuns(db);
  const due = sweeps.filter(({ connectionId, everyMs }) => {
    const at = last.get(connectionId);
    return at === undefined || after(at, everyMs) <= now;
  });
  for (const { connectionId, everyMs } of due) {
    const spreadMs = Math.min(everyMs, APART_MS * (due.length - 1));
    const payload: SweepPayload = { connectionId, trigger: 'schedule' };
    const delayMs = Math.round(spreadMs * fractionOf(connectionId));
    await queue.add(SWEEP_JOB, payload, { delayMs, id: `first-${connectionId}` });
  }
}

async function lastRuns(db: Database): Promise<ReadonlyMap<ConnectionId, EpochMs>> {
  const rows = await db
    .selectFrom('sweep_runs')
    .select(['connection_id', sql<Date>`max(started_at)`.as('at')])
    .groupBy('connection_id')
    .execute();
  return new Map(rows.map((row) => [row.connection_id, fromTimestamp(row.at)]));
}

/** The id of the schedule of a connection. */
export function scheduleId(connectionId: ConnectionId): string {
  return `${PREFIX}${connectionId}`;
}

/** The connection that a schedule is of. */
export function connectionOfSchedule(id: string): string {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id;
}

/**
 * When a connection is swept: once in each interval, at a moment of its own. Hundreds of
 * connections are so spread over the whole interval, and stay where they are when a
 * worker starts or ends.
 */
export function scheduleOf({ connectionId, everyMs }: Scheduled): Schedule {
  const offsetMs = 1 + Math.floor(fractionOf(connectionId) * (everyMs - 1));
  return { id: scheduleId(connectionId), everyMs, offsetMs };
}

/** A number of its own for each connection, from 0 up to, not including, 1. */
function fractionOf(connectionId: ConnectionId): number {
  return createHash('sha256').update(connectionId).digest().readUInt32BE() / 2 ** 32;
}

function isSame(kept: Schedule, schedule: Schedule): boolean {
  return kept.everyMs === schedule.everyMs && kept.offsetMs === schedule.offsetMs;
}
