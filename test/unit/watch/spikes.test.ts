import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, toEpochMs } from '@rollcall/shared/core/time';
import {
  type Admissions,
  judgeAdmissions,
  judgeRefusals,
  type Refusals,
} from '@rollcall/sweeper/watch/rules/spikes';
import { describe, expect, test } from 'vitest';

const NOW = toEpochMs(Date.UTC(2026, 10, 25, 9));
const HOUR = 3_600_000;
const connectionId = toConnectionId('acme');

/** So many in the last hour; on each day before, so many at its busiest hour. */
function admissions(created: number, busiest: readonly number[], days = 100): Admissions {
  const hours = busiest.map((count, day): [number, number] => [1 + day * 24 + 5, count]);
  return {
    connectionId,
    byHoursAgo: new Map([[0, created], ...hours]),
    firstAt: after(NOW, -(days * 24 + 1) * HOUR),
  };
}

describe('new people', () => {
  test.each([
    ['ten where nobody ever comes', 10, [], false],
    ['eleven where nobody ever comes', 11, [], true],
    ['fifteen where three come in a busy hour', 15, [3, 3, 3, 3, 3, 3, 3], false],
    ['sixteen where three do', 16, [3, 3, 3, 3, 3, 3, 3], true],
    ['a Monday after a weekend', 15, [0, 0, 3, 3, 3, 3, 3], false],
    ['one wave last week, which makes nothing usual', 60, [3, 90, 3, 3, 3, 3, 3], true],
    ['a wave each day, which does', 60, [90, 80, 70, 60, 50, 40, 30], false],
  ])('%s: %j after %j, a spike: %s', (_name, created, busiest, spike) => {
    expect(judgeAdmissions(admissions(created, busiest), NOW).holds !== null).toBe(spike);
  });

  test('are told with what is usual', () => {
    expect(judgeAdmissions(admissions(84, [6, 6, 6, 6, 6, 6, 6]), NOW).holds).toMatchObject({
      event: 'users.spike',
      about: 'from 2026-11-25T08:00:00.000Z',
      facts: { created: 84, usual: 6, from: '2026-11-25T08:00:00.000Z' },
    });
  });

  test('say nothing on the first days, when everybody is new', () => {
    expect(judgeAdmissions(admissions(500, [400], 1), NOW).holds).toBeNull();
    expect(judgeAdmissions(admissions(500, [0, 0, 0], 3), NOW).holds).not.toBeNull();
    const nobody = { connectionId, byHoursAgo: new Map(), firstAt: null };
    expect(judgeAdmissions(nobody, NOW)).toEqual({ holds: null, over: true });
  });

  test('are over when they are few, not when they are one fewer', () => {
    const usual = [6, 6, 6, 6, 6, 6, 6];
    expect(judgeAdmissions(admissions(30, usual), NOW)).toEqual({ holds: null, over: false });
    expect(judgeAdmissions(admissions(15, usual), NOW)).toEqual({ holds: null, over: true });
  });
});

describe('refused sign-ins', () => {
  const refusals = (refused: number, daysBefore: readonly number[]): Refusals => ({
    connectionId,
    today: '2026-11-25',
    refused,
    daysBefore,
    codes: ['saml.expired 12'],
  });

  test.each([
    [20, [], false],
    [21, [], true],
    [100, [20, 20, 20, 20, 20, 20, 20], false],
    [101, [20, 20, 20, 20, 20, 20, 20], true],
    [101, [900, 20, 20, 20, 20, 20, 20], true],
  ])('%d after %j: a spike? %s', (refused, before, spike) => {
    expect(judgeRefusals(refusals(refused, before)).holds !== null).toBe(spike);
  });

  test('are told once a day, with their codes', () => {
    expect(judgeRefusals(refusals(30, [])).holds).toMatchObject({
      about: '2026-11-25',
      facts: { refused: 30, usual: 0, codes: ['saml.expired 12'] },
    });
    expect(judgeRefusals(refusals(11, []))).toEqual({ holds: null, over: false });
    expect(judgeRefusals(refusals(0, []))).toEqual({ holds: null, over: true });
  });
});
