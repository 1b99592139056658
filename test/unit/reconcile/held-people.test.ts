import { toEpochMs } from '@rollcall/shared/core/time';
import { dueSteps, roomInWave } from '@rollcall/sweeper/reconcile/held-people';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('a wave', () => {
  it.each([
    [40, 0, 1],
    [40, 1, 0],
    [0, 0, 1],
    [99, 0, 1],
    [1_000, 0, 20],
    [1_000, 15, 5],
    [1_000, 40, 0],
  ])('of %i people, after %i within the minute: %i', (withAccess, lately, room) => {
    expect(roomInWave(withAccess, lately)).toBe(room);
  });

  it('never passes 2 % and one within a minute, however it is asked', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.array(fc.nat(50), { maxLength: 20 }), (people, asked) => {
        let lately = 0;
        for (const wanted of asked) lately += Math.min(wanted, roomInWave(people, lately));
        expect(lately).toBeLessThanOrEqual(Math.max(1, people * 0.02));
      }),
    );
  });
});

describe('an escalation', () => {
  const HOUR = 3_600_000;
  const since = toEpochMs(Date.UTC(2026, 0, 1));
  const at = (hours: number) => toEpochMs(since + hours * HOUR);
  const steps = [HOUR, 4 * HOUR, 20 * HOUR];

  it.each([
    [0.5, [], []],
    [1, [], [HOUR]],
    [3, [HOUR], []],
    [4, [HOUR], [4 * HOUR]],
    [21, [], steps],
    [99, steps, []],
  ])('after %d hours, of which %o are told: %o', (hours, told, due) => {
    expect(dueSteps(steps, since, told, at(hours))).toEqual(due);
  });
});
