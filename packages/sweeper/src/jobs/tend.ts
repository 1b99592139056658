import { codeOf } from '@rollcall/shared/core/errors';
import { HELD } from '@rollcall/shared/core/lifecycle';
import type { Database } from '@rollcall/shared/db/database';
import type { Job, JobOutcome } from '@rollcall/shared/queue/job';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import { sql } from 'kysely';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import type { SweepSummary } from '../sweep/summary.ts';
import { tendHeld } from '../sweep/tend-held.ts';
import { TEND_JOB, tendPayload } from './payload.ts';
import type { SweepWork } from './work.ts';

/**
 * Has a held plan looked after from now on. There is one such job for each connection,
 * which puts itself off for as long as something is held: one that waits already stays.
 */
export async function tendSoon(result: SweepSummary, work: SweepWork): Promise<void> {
  if (result.state !== 'held') return;
  const { connectionId } = result;
  await work.queue.add(TEND_JOB, { connectionId }, { id: `tend-${connectionId}` });
}

/**
 * Has every held plan looked after, and everybody who is still contained for one: where the
 * queue has lost the job, no sweep may succeed that would put it in again.
 */
export async function tendWhatIsHeld(
  queue: JobQueue,
  db: Database,
  sweeps: Iterable<Pick<ConnectionSweep, 'connectionId' | 'mode'>>,
): Promise<void> {
  const { rows } = await sql<{ connection_id: string; held: boolean }>`
    select connection_id, true as held from plans where state = 'held'
    union all
    select u.connection_id, false from held_containments c join users u on u.id = c.user_id
     where c.outcome = 'contained' and u.state = 'contained' and u.state_reason = ${HELD}`.execute(
    db,
  );
  for (const { connectionId, mode } of sweeps) {
    const concerned = rows.filter((row) => row.connection_id === connectionId);
    if (!concerned.some(({ held }) => !held || mode !== 'observe')) continue;
    await queue.add(TEND_JOB, { connectionId }, { id: `tend-${connectionId}` });
  }
}

/** Does what is due for the held plan of a connection, and comes back for the rest. */
export async function workOnTending(job: Job, work: SweepWork): Promise<JobOutcome> {
  const { log, clock } = work.tools;
  const parsed = tendPayload.safeParse(job.payload);
  if (!parsed.success) {
    return { kind: 'dead', why: `expected a job of a held plan: ${parsed.error.message}` };
  }
  const sweep = work.sweeps.get(parsed.data.connectionId);
  if (sweep === undefined) return { kind: 'done' };
  if (isStopping(work)) return { kind: 'hand_back' };
  const { connectionId } = sweep;
  try {
    const { nextAt, ...done } = await tendHeld(sweep, work.tools);
    if (done.contained + done.released + done.escalated.length > 0) {
      log.warn({ event: 'sweep.tended', connection: connectionId, ...done });
    }
    if (nextAt === null) return { kind: 'done' };
    return { kind: 'later', delayMs: Math.max(1, nextAt - clock()) };
  } catch (error) {
    // A worker that stops, or whose lease was taken over: the next one does the rest.
    if (isStopping(work)) return { kind: 'hand_back' };
    if (codeOf(error) === 'sweep.lease_lost') return { kind: 'later', delayMs: 5_000 };
    log.error({ event: 'sweep.tending_failed', connection: connectionId, err: error });
    // Never a dead letter: the plan is still held, and there is no other job for it.
    return { kind: 'later', delayMs: 60_000 };
  }
}

function isStopping({ tools }: SweepWork): boolean {
  return tools.signal?.aborted === true;
}
