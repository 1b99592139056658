import { toConnectionId } from '@rollcall/shared/core/ids';
import { scheduleOf } from '@rollcall/sweeper/jobs/schedule';
import { expect, it } from 'vitest';

const EVERY = 15 * 60_000;
const connections = Array.from({ length: 200 }, (_, n) => toConnectionId(`partner-${n}`));
const offsets = connections.map(
  (connectionId) => scheduleOf({ connectionId, everyMs: EVERY }).offsetMs,
);

it('gives each connection a moment of its own, the same in every process', () => {
  const again = connections.map(
    (connectionId) => scheduleOf({ connectionId, everyMs: EVERY }).offsetMs,
  );
  expect(again).toEqual(offsets);
  for (const offset of offsets) {
    expect(offset).toBeGreaterThanOrEqual(1);
    expect(offset).toBeLessThan(EVERY);
  }
});

it('spreads 200 connections over the whole interval', () => {
  const inMinute = Map.groupBy(offsets, (offset) => Math.floor(offset / 60_000));
  expect(inMinute.size).toBe(15);
  const inSecond = Map.groupBy(offsets, (offset) => Math.floor(offset / 1_000));
  expect(Math.max(...[...inSecond.values()].map((some) => some.length))).toBeLessThan(5);
});
