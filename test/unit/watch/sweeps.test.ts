import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, toEpochMs } from '@rollcall/shared/core/time';
import { nextSteps } from '@rollcall/sweeper/watch/rules/episode';
import {
  judgeDirectory,
  judgeFailed,
  judgeStale,
  type SweepsSeen,
} from '@rollcall/sweeper/watch/rules/sweeps';
import { describe, expect, test } from 'vitest';

const MINUTE = 60_000;
const START = toEpochMs(Date.UTC(2026, 10, 25, 8));
const at = (minutes: number) => after(START, minutes * MINUTE);

const seen = (more: Partial<SweepsSeen> = {}): SweepsSeen => ({
  connectionId: toConnectionId('acme'),
  everyMs: 15 * MINUTE,
  staleAfter: 3,
  since: at(-1_000),
  lastGood: { runId: 'good', at: START },
  failing: null,
  ...more,
});

describe('a connection is stale', () => {
  test('once more than three intervals have passed since the last whole listing', () => {
    expect(judgeStale(seen(), at(45))).toEqual({ holds: null, over: true });
    expect(judgeStale(seen(), at(46)).holds).toMatchObject({
      event: 'sweep.stale',
      connectionId: 'acme',
      about: 'since 2026-11-25T08:00:00.000Z',
      facts: {
        last_success_at: '2026-11-25T08:00:00.000Z',
        every_seconds: 900,
        missed_intervals: 3,
      },
    });
  });

  test('under one name for as long as it lasts', () => {
    const abouts = [46, 90, 5_000].map((minutes) => judgeStale(seen(), at(minutes)).holds?.about);
    expect(new Set(abouts).size).toBe(1);
  });

  test('never within ten minutes, however short the interval is', () => {
    expect(judgeStale(seen({ everyMs: 10_000 }), at(10)).holds).toBeNull();
    expect(judgeStale(seen({ everyMs: 10_000 }), at(10.1)).holds).not.toBeNull();
  });

  test('where it was never swept, from when it was to be', () => {
    const never = seen({ lastGood: null, since: at(0) });
    expect(judgeStale(never, at(40)).holds).toBeNull();
    expect(judgeStale(never, at(50)).holds?.facts).toMatchObject({ last_success_at: null });
  });

  test('not for the time in which it was not to be swept', () => {
    expect(judgeStale(seen({ since: at(1_000) }), at(1_010)).holds).toBeNull();
  });
});

describe('failures', () => {
  const failing = (runs: number, state: 'failed' | 'incomplete') =>
    seen({ failing: { runs, since: at(15), runId: 'bad', code: 'directory.timed_out', state } });

  test('are told from the third in a row on, as what the last one was', () => {
    expect(judgeDirectory(failing(2, 'incomplete')).holds).toBeNull();
    expect(judgeDirectory(failing(3, 'incomplete')).holds).toMatchObject({
      event: 'directory.failing',
      about: 'after good',
      facts: { run: 'bad', failures: 3, code: 'directory.timed_out' },
    });
    expect(judgeFailed(failing(3, 'incomplete')).holds).toBeNull();
    expect(judgeFailed(failing(3, 'failed')).holds).toMatchObject({ event: 'sweep.failed' });
  });

  test('are over with the next success, not with a failure of another kind', () => {
    expect(judgeDirectory(failing(4, 'failed'))).toEqual({ holds: null, over: false });
    expect(judgeDirectory(seen())).toEqual({ holds: null, over: true });
  });
});

describe('an episode', () => {
  const { holds } = judgeStale(seen(), at(60));
  const open = [
    { event: 'sweep.stale', connectionId: toConnectionId('acme'), about: 'x' },
  ] as const;

  test('is told when it begins, and when it is over, and not in between', () => {
    expect(nextSteps({ holds, over: false }, [])).toEqual([{ kind: 'raise', notification: holds }]);
    expect(nextSteps({ holds, over: false }, open)).toEqual([]);
    expect(nextSteps({ holds: null, over: false }, open)).toEqual([]);
    expect(nextSteps({ holds: null, over: true }, open)).toEqual([
      { kind: 'resolve', occasion: open[0] },
    ]);
    expect(nextSteps({ holds: null, over: true }, [])).toEqual([]);
  });
});
