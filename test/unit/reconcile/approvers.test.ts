import { type Approver, approverKey, countApprovers } from '@rollcall/sweeper/reconcile/approvers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

function by(name: string, account: string | null = null): Approver {
  return { name, account };
}

describe('approvers', () => {
  it.each([
    ['nobody', [], 0],
    ['one', [by('oda')], 1],
    ['two', [by('oda'), by('ida')], 2],
    ['one, in other letters', [by('Oda'), by(' oda  '), by('ODA')], 1],
    ['one, with other spaces', [by('Oda  Lang'), by('oda lang')], 1],
    [
      'one, with what nobody sees',
      [by('o\u200bda'), by('oda\u00ad'), by('\u202eoda'), by('oda')],
      1,
    ],
    [
      'one, with capitals of their own',
      [by('stra\u00dfe'), by('STRASSE'), by('\u03c3\u03c2'), by('\u03a3\u03a3')],
      2,
    ],
    ['one, in letters of another width', [by('ｏｄａ'), by('oda')], 1],
    ['one account, no names', [by('root', 'root'), by('Root', 'root')], 1],
    ['one account, a name given afterwards', [by('root', 'root'), by('oda', 'root')], 1],
    ['one account that two people share, and say so', [by('oda', 'root'), by('ida', 'root')], 2],
    ['two accounts', [by('oda', 'oda'), by('ida', 'ida')], 2],
    ['her own account, and her name at a shared one', [by('oda', 'oda'), by('oda', 'root')], 1],
    ['a shared account without a name, and another', [by('root', 'root'), by('ida', 'ida')], 2],
    [
      'the same account named twice and once not',
      [by('root', 'root'), by('oda', 'root'), by('ida', 'root')],
      2,
    ],
  ] as const)('%s', (_what, approvers, people) => {
    expect(countApprovers(approvers)).toBe(people);
  });

  // As the table keeps them: the first of each name.
  const some = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('oda', 'Oda ', 'ida', 'root', 'ROOT'),
      account: fc.constantFrom(null, 'root', 'oda', 'ida'),
    }),
    { maxLength: 6, selector: ({ name }) => approverKey(name) },
  );

  it('are never more than their names, and not fewer for one more', () => {
    fc.assert(
      fc.property(some, fc.nat(5), (all, first) => {
        const few = all.slice(0, first);
        expect(countApprovers(all)).toBeLessThanOrEqual(all.length);
        expect(countApprovers(all) > 0).toBe(all.length > 0);
        expect(countApprovers(all)).toBeGreaterThanOrEqual(countApprovers(few));
        expect(countApprovers([...all].reverse())).toBe(countApprovers(all));
      }),
    );
  });
});
