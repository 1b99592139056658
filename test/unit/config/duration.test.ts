import { formatDuration, parseDuration } from '@rollcall/shared/config/duration';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('durations', () => {
  it.each([
    ['0s', 0],
    ['15s', 15_000],
    ['30m', 1_800_000],
    ['8h', 28_800_000],
    ['1d', 86_400_000],
  ])('reads %s as %i ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each([
    '',
    's',
    '15',
    '15 s',
    ' 15s',
    '15s\n',
    '1.5h',
    '-1s',
    '+1s',
    '01s',
    '1e3s',
    '1w',
    '15S',
    '1h30m',
    '١s',
    '9007199254740992s',
    `${'9'.repeat(400)}d`,
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 9 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
  });

  it('reads a number with a unit as their product and nothing else', () => {
    const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
    fc.assert(
      fc.property(
        fc.nat({ max: 100_000_000 }),
        fc.constantFrom('s', 'm', 'h', 'd'),
        (count, unit) => {
          expect(parseDuration(`${count}${unit}`)).toBe(count * units[unit]);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^(0|[1-9]\d*)[smhd]$/.test(text));
        expect(parseDuration(text)).toBeNull();
      }),
    );
  });
});
