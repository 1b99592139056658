import { readRetryAfter } from '@rollcall/shared/http/retry-after';
import { expect, it } from 'vitest';

const NOW = Date.parse('2026-11-24T08:00:00Z');

it.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7_000],
  ['2.128', 2_128],
  ['0.0001', 1],
  ['Tue, 24 Nov 2026 08:01:30 GMT', 90_000],
  ['Tue, 24 Nov 2026 07:00:00 GMT', 0],
  ['99999999999999999999', 86_400_000],
  ['Fri, 24 Nov 2028 08:00:00 GMT', 86_400_000],
])('reads %j as %d milliseconds', (header, wait) => {
  expect(readRetryAfter(header, NOW)).toBe(wait);
});

it.each([
  null,
  '',
  'soon',
  '-5',
  '1e3',
  '0x10',
  '1,5',
  '5s',
  'Tue, 99 Nov 2026 08:01:30 GMT',
  '2026-11-24',
])('makes nothing of %j', (header) => {
  expect(readRetryAfter(header, NOW)).toBeNull();
});
