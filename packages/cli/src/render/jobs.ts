import type { EpochMs } from '@rollcall/shared/core/time';
import type { DeadJob, JobCounts, KeptSchedule } from '@rollcall/shared/queue/job';
import { connectionOf } from '@rollcall/sweeper/jobs/dead-letters';
import { connectionOfSchedule } from '@rollcall/sweeper/jobs/schedule';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayDuration, sayWhen, toIso } from './when.ts';

/** The queue of the sweeps: what is to come, and what failed for good. */
export interface JobsState {
  readonly counts: JobCounts;
  readonly schedules: readonly KeptSchedule[];
  readonly dead: readonly DeadJob[];
}

/** For people. */
export function renderJobs(state: JobsState, now: EpochMs, colors: Colors): string {
  const { counts, schedules, dead } = state;
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  const head = `${counts.active} running, ${counts.waiting} waiting, ${counts.delayed} to come, ${counts.dead} failed for good`;
  const times = renderTable([
    ['CONNECTION', 'EVERY', 'NEXT'].map(dim),
    ...schedules.map(({ id, everyMs, nextAt }) => [
      connectionOfSchedule(id),
      sayDuration(everyMs),
      nextAt === null ? '-' : sayWhen(nextAt as EpochMs, now),
    ]),
  ]);
  const letters = renderTable([
    ['JOB', 'CONNECTION', 'FAILED', 'ATTEMPTS', 'REASON'].map(dim),
    ...dead.map((job) => [
      job.id,
      connectionOf(job) ?? '-',
      sayWhen(job.failedAt as EpochMs, now),
      String(job.attempts),
      { text: job.reason, paint: colors.red },
    ]),
  ]);
  const parts = [
    head,
    ...(schedules.length > 0 ? [times] : []),
    ...(dead.length > 0 ? [letters] : []),
  ];
  return parts.join('\n\n');
}

/** For programs. */
export function jobsToJson({ counts, schedules, dead }: JobsState): Record<string, unknown> {
  return {
    counts,
    schedules: schedules.map(({ id, everyMs, nextAt }) => ({
      connection: connectionOfSchedule(id),
      every_ms: everyMs,
      next_at: toIso(nextAt as EpochMs | null),
    })),
    dead: dead.map((job) => ({
      job: job.id,
      connection: connectionOf(job),
      payload: job.payload,
      reason: job.reason,
      attempts: job.attempts,
      failed_at: toIso(job.failedAt as EpochMs),
    })),
  };
}
