import { SeenIds } from '@rollcall/sweeper/directories/seen-ids';
import fc from 'fast-check';
import { expect, it } from 'vitest';

it('tells new ids from repeated ones as a set does', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 4, unit: 'grapheme' })), (ids) => {
      const seen = new SeenIds();
      const known = new Set<string>();
      for (const id of ids) {
        expect(seen.has(id)).toBe(known.has(id));
        expect(seen.add(id)).toBe(!known.has(id));
        known.add(id);
        expect(seen.has(id)).toBe(true);
      }
    }),
  );
});

it.each([
  ['numbers', (index: number) => String(index)],
  ['padded numbers', (index: number) => `p_${String(index).padStart(12, '0')}`],
  ['hexadecimal', (index: number) => (index * 2654435761).toString(16)],
  ['two counters', (index: number) => `${index % 1_000}-${Math.floor(index / 1_000)}`],
])('raises no false alarm among a million ids that are %s', (_name, idOf) => {
  const seen = new SeenIds();
  for (let index = 0; index < 1_000_000; index++) {
    if (!seen.add(idOf(index))) expect.fail(`${idOf(index)} was taken for another id`);
  }
  for (let index = 0; index < 1_000_000; index += 997) expect(seen.add(idOf(index))).toBe(false);
});
