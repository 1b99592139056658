import { readAskedPause, readSpentWindow } from '@rollcall/sweeper/directories/rate-headers';
import { expect, it } from 'vitest';

const NOW = Date.parse('2026-11-25T10:00:00Z');

it.each<[string, Record<string, string>, number | null]>([
  ['seconds', { 'retry-after': '3' }, 3_000],
  ['a fraction of Microsoft Graph', { 'retry-after': '2.128' }, 2_128],
  ['a date', { 'retry-after': 'Wed, 25 Nov 2026 10:00:05 GMT' }, 5_000],
  ['a moment of Okta', { 'x-rate-limit-reset': String(NOW / 1_000 + 30) }, 30_000],
  ['a moment of Auth0', { 'x-ratelimit-reset': String(NOW / 1_000 + 1) }, 1_000],
  ['a time of OneLogin', { 'x-ratelimit-reset': '120' }, 120_000],
  ['a time of the draft', { 'ratelimit-reset': '7' }, 7_000],
  ['Retry-After before the window', { 'retry-after': '1', 'x-rate-limit-reset': '99' }, 1_000],
  ['a moment that is over', { 'x-rate-limit-reset': String(NOW / 1_000 - 30) }, 0],
  [
    'a moment by the clock of the server',
    {
      date: 'Wed, 25 Nov 2026 09:00:00 GMT',
      'x-rate-limit-reset': String(NOW / 1_000 - 3_600 + 10),
    },
    10_000,
  ],
  ['no more than a day', { 'x-ratelimit-reset': '999999' }, 86_400_000],
  ['nothing', {}, null],
  ['nonsense', { 'retry-after': 'soon', 'x-rate-limit-reset': 'later' }, null],
])('reads %s', (_name, headers, expected) => {
  expect(readAskedPause(new Headers(headers), NOW)).toBe(expected);
});

it('sees that a window is spent', () => {
  const reset = { 'x-rate-limit-reset': String(NOW / 1_000 + 9) };
  const left = (remaining: string) =>
    readSpentWindow(new Headers({ ...reset, 'x-rate-limit-remaining': remaining }), NOW);
  expect([left('0'), left('1'), left('none')]).toEqual([9_000, null, null]);
  expect(readSpentWindow(new Headers(reset), NOW)).toBeNull();
});
