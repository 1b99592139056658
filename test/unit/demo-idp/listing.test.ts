import { cutPage, FAULT_SENTENCES, FAULTS, isFault } from '@rollcall/demo-idp/faults';
import {
  type FilterAttributes,
  type ListQuery,
  readPage,
  ScimError,
  selectRows,
} from '@rollcall/demo-idp/scim-filter';
import { describe, expect, it } from 'vitest';

const rows = [1, 2, 3, 4, 5, 6, 7];
const nothing: ListQuery = {
  filter: undefined,
  sortBy: undefined,
  sortOrder: undefined,
  startIndex: undefined,
  count: undefined,
};

describe('cutPage', () => {
  it.each([
    ['none', 1, [1, 2, 3], 7],
    ['none', 7, [7], 7],
    ['none', 8, [], 7],
    ['empty', 1, [], 0],
    ['half', 1, [1, 2, 3], 4],
    ['half', 4, [4], 4],
    ['half', 5, [], 4],
    ['short', 1, [1, 2, 3], 7],
    ['short', 4, [4], 7],
    ['short', 5, [], 7],
    ['duplicate_pages', 1, [1, 2, 3], 7],
    ['duplicate_pages', 4, [1, 2, 3], 7],
    ['duplicate_pages', 7, [7], 7],
  ] as const)('under %s, from %i', (fault, startIndex, expected, totalResults) => {
    expect(cutPage(rows, startIndex, 3, fault)).toEqual({ rows: expected, totalResults });
  });

  it('asked for no rows, tells the total only', () => {
    expect(cutPage(rows, 1, 0, 'none')).toEqual({ rows: [], totalResults: 7 });
  });

  it('has a different sentence for every fault', () => {
    expect(new Set(FAULTS.map((fault) => FAULT_SENTENCES[fault])).size).toBe(FAULTS.length);
    expect(isFault('short')).toBe(true);
    expect(isFault('toString')).toBe(false);
  });
});

describe('selectRows', () => {
  const people = [
    { id: 'b', name: 'Ann' },
    { id: 'a"\\', name: 'bob' },
    { id: 'c', name: 'ann' },
  ];
  const attributes: FilterAttributes<(typeof people)[number]> = new Map([
    ['id', { read: (one: (typeof people)[number]) => one.id, caseExact: true }],
    ['username', { read: (one: (typeof people)[number]) => one.name, caseExact: false }],
  ]);
  const select = (query: Partial<ListQuery>): string[] =>
    selectRows(people, attributes, { ...nothing, ...query }).map(({ id }) => id);

  it('filters by equality, with case where it counts', () => {
    expect(select({ filter: 'id eq "b"' })).toEqual(['b']);
    expect(select({ filter: 'ID EQ "B"' })).toEqual([]);
    expect(select({ filter: 'userName eq "ANN"' })).toEqual(['b', 'c']);
    expect(select({ filter: String.raw`id eq "a\"\\"` })).toEqual(['a"\\']);
  });

  it.each([
    '',
    'id',
    'id eq b',
    'id ne "b"',
    'id eq "b" or id eq "c"',
    'emails eq "b"',
    'id eq "b',
    'id eq "\\x"',
  ])('refuses the filter %j', (filter) => {
    expect(() => select({ filter })).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidFilter' }),
    );
  });

  it('sorts both ways, and not at all unless asked', () => {
    expect(select({})).toEqual(['b', 'a"\\', 'c']);
    expect(select({ sortBy: 'id' })).toEqual(['a"\\', 'b', 'c']);
    expect(select({ sortBy: 'id', sortOrder: 'Descending' })).toEqual(['c', 'b', 'a"\\']);
    expect(() => select({ sortBy: 'shoe' })).toThrow(ScimError);
    expect(() => select({ sortBy: 'id', sortOrder: 'up' })).toThrow(ScimError);
  });

  it('bounds pages', () => {
    const page = (startIndex?: string, count?: string) =>
      readPage({ ...nothing, startIndex, count }, 5);
    expect(page()).toEqual({ startIndex: 1, count: 5 });
    expect(page('0', '999')).toEqual({ startIndex: 1, count: 5 });
    expect(page('-3', '-1')).toEqual({ startIndex: 1, count: 0 });
    expect(page('6', '2')).toEqual({ startIndex: 6, count: 2 });
    for (const bad of ['', 'x', '1.5', '1e3', '9999999999']) {
      expect(() => page(bad), bad).toThrow(ScimError);
      expect(() => page('1', bad), bad).toThrow(ScimError);
    }
  });
});
