import { textArray } from '@rollcall/shared/db/array-literal';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { freshDatabase } from '../setup/database.ts';

it('Postgres reads from an array literal what was written', async () => {
  await using database = await freshDatabase();
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\t', ',', '{', '}', ' ', 'n', 'ü', '🙂') }),
    fc.constantFrom('', 'null', 'NULL', '\u2028'),
  );
  const stored = text.map((one) => one.replaceAll('\0', '').toWellFormed());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(stored), { maxLength: 8 }), async (texts) => {
      const nested = textArray([textArray(texts), null]);
      const { rows } = await database.pool.query(
        'select $1::text[] as flat, (($2::text[])[1])::text[] as inner',
        [textArray(texts), nested],
      );
      expect(rows[0]).toEqual({ flat: texts, inner: texts });
    }),
    { numRuns: 100 },
  );
});
