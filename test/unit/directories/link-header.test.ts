import { readLinks } from '@rollcall/sweeper/directories/link-header';
import { expect, it } from 'vitest';

it.each<[string, string | null, Record<string, string>]>([
  ['nothing', null, {}],
  [
    'what Okta sends in two headers',
    '<https://a.okta.com/api/v1/users?limit=2>; rel="self", <https://a.okta.com/api/v1/users?after=x%2Cy&limit=2>; rel="next"',
    {
      self: 'https://a.okta.com/api/v1/users?limit=2',
      next: 'https://a.okta.com/api/v1/users?after=x%2Cy&limit=2',
    },
  ],
  ['a comma and a semicolon in a target', '</x?a=1,2;3>; rel=next', { next: '/x?a=1,2;3' }],
  [
    'other parameters, in any order',
    '</x>; title="a, b"; REL="Next last"',
    { next: '/x', last: '/x' },
  ],
  ['the first of two', '</1>; rel="next", </2>; rel="next"', { next: '/1' }],
  ['a relation that another one ends in', '</x>; xrel="next"', {}],
  ['no relation', '</x>', {}],
  ['nonsense', 'next: /x', {}],
])('reads %s', (_name, header, expected) => {
  expect(Object.fromEntries(readLinks(header))).toEqual(expected);
});
