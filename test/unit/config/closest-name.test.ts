import { closestName } from '@rollcall/shared/config/closest-name';
import { expect, it } from 'vitest';

const KEYS = ['public_url', 'threshold', 'roles', 'every', 'idp', 'metadata_url', 'metadata_file'];

it.each([
  ['treshold', 'threshold'],
  ['publicUrl', 'public_url'],
  ['public-url', 'public_url'],
  ['role', 'roles'],
  ['evrey', 'every'],
  ['ipd', 'idp'],
  ['metadata_fiel', 'metadata_file'],
])('takes %s for %s', (typed, meant) => {
  expect(closestName(typed, KEYS)).toBe(meant);
});

it.each(['', 'notify', 'x', 'p'.repeat(5_000)])('makes no guess for %j', (typed) => {
  expect(closestName(typed, KEYS)).toBeNull();
});
