import { nextRefresh, nextRetry } from '@rollcall/jit-auth/connections/refresh-schedule';
import { parseXmlDuration } from '@rollcall/jit-auth/saml/metadata-validity';
import { after, toEpochMs } from '@rollcall/shared/core/time';
import { describe, expect, test } from 'vitest';

const NOW = toEpochMs(1_780_000_000_000);
const [MINUTE, HOUR] = [60_000, 3_600_000];
const wait = (validUntilMs: number | null, cacheMs: number | null, refreshMs: number, random = 0) =>
  nextRefresh(
    { validUntil: validUntilMs === null ? null : after(NOW, validUntilMs), cacheMs },
    refreshMs,
    NOW,
    random,
  ) - NOW;

describe('metadata that was fetched is fetched again', () => {
  test.each([
    ['as the configuration says', null, null, HOUR, HOUR],
    ['within its cacheDuration', null, 20 * MINUTE, HOUR, 15 * MINUTE],
    ['well before its end', 40 * MINUTE, null, HOUR, 30 * MINUTE],
    ['not later because it may be kept longer', null, 50 * HOUR, HOUR, HOUR],
    ['no more than once a minute, whatever it asks for', null, 0, HOUR, MINUTE],
    ['no more than once a minute near its end', 1000, null, HOUR, MINUTE],
    ['more often where the configuration says so', null, null, 5_000, 5_000],
  ] as const)('%s', (_, validUntilMs, cacheMs, refreshMs, expected) => {
    expect(wait(validUntilMs, cacheMs, refreshMs)).toBe(expected);
  });

  test('up to a tenth sooner, so that not all ask at once', () => {
    expect(wait(null, null, HOUR, 1)).toBe(54 * MINUTE);
  });
});

describe('what failed is tried again', () => {
  const retry = (failures: number, hasCopy: boolean) =>
    (nextRetry(failures, { refreshMs: HOUR, hasCopy }, NOW, 0) - NOW) / 1000;

  test('after 15 s, then later and later, at last as often as it is refreshed', () => {
    expect([1, 2, 3, 4, 8, 9, 99].map((failures) => retry(failures, true))).toEqual([
      15, 30, 60, 120, 1920, 3600, 3600,
    ]);
  });

  test('every minute while there is nothing to go by', () => {
    expect([1, 2, 3, 9].map((failures) => retry(failures, false))).toEqual([15, 30, 60, 60]);
  });
});

describe('xs:duration', () => {
  test.each([
    ['PT1H', HOUR],
    ['P1D', 24 * HOUR],
    ['P1DT2H30M1.5S', 24 * HOUR + 2 * HOUR + 30 * MINUTE + 1000],
    ['P1Y2M', (365 + 60) * 24 * HOUR],
    ['PT0S', 0],
  ])('%s', (text, expected) => expect(parseXmlDuration(text)).toBe(expected));

  test.each(['', 'P', 'PT', 'P1DT', '-P1D', 'PT1H ', '1h', 'PT99999999999S', 'P1H'])(
    '%j is none',
    (text) => expect(parseXmlDuration(text)).toBeNull(),
  );
});
