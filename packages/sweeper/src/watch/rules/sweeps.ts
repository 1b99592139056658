import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { isoOf } from '@rollcall/shared/db/timestamp';
import { type Judgement, WELL } from './episode.ts';

/** What was written down of the sweeps of one connection. */
export interface SweepsSeen {
  readonly connectionId: ConnectionId;
  readonly everyMs: number;
  /** How many intervals may pass without a success. */
  readonly staleAfter: number;
  /** Since when it is to be swept. */
  readonly since: EpochMs;
  /** The last run that listed the directory in full; null: there was none. */
  readonly lastGood: { readonly runId: string; readonly at: EpochMs } | null;
  /** The runs that failed since, the last one first in what is known of it; null: none. */
  readonly failing: {
    readonly runs: number;
    readonly since: EpochMs;
    readonly runId: string;
    readonly code: string;
    readonly state: 'failed' | 'incomplete';
  } | null;
}

/** An interval may be short, and a listing long: nobody is woken for less, in milliseconds. */
const LEAST_STALE_MS = 10 * 60_000;
/** One or two failures are the weather. */
const FAILURES = 3;

/** Whether the roll has not been called for too long, whatever the reason. */
export function judgeStale(seen: SweepsSeen, now: EpochMs): Judgement {
  const { connectionId, everyMs, staleAfter, since, lastGood } = seen;
  const from = lastGood === null || lastGood.at < since ? since : lastGood.at;
  if (now - from <= Math.max(staleAfter * everyMs, LEAST_STALE_MS)) return WELL;
  const facts = {
    last_success_at: lastGood === null ? null : isoOf(lastGood.at),
    every_seconds: everyMs / 1_000,
    missed_intervals: Math.floor((now - from) / everyMs),
  };
  const about = `since ${isoOf(from)}`;
  return { holds: { event: 'sweep.stale', connectionId, about, facts }, over: false };
}

/** Whether a directory has not answered in full several times in a row. */
export function judgeDirectory(seen: SweepsSeen): Judgement {
  return judgeFailures(seen, 'incomplete', 'directory.failing');
}

/** Whether sweeps broke down several times in a row, not for the directory. */
export function judgeFailed(seen: SweepsSeen): Judgement {
  return judgeFailures(seen, 'failed', 'sweep.failed');
}

function judgeFailures(
  { connectionId, lastGood, failing }: SweepsSeen,
  state: 'failed' | 'incomplete',
  event: 'directory.failing' | 'sweep.failed',
): Judgement {
  if (failing === null) return WELL;
  // The last one says what it is now: one kind of failure may hide the other.
  if (failing.runs < FAILURES || failing.state !== state) return { holds: null, over: false };
  const { runId, code, runs, since } = failing;
  const facts = { run: runId, code, failures: runs, since: isoOf(since) };
  const about = lastGood === null ? 'since the beginning' : `after ${lastGood.runId}`;
  return { holds: { event, connectionId, about, facts }, over: false };
}
