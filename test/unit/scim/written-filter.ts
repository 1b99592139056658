import { COMPARISONS, type Filter, type Literal } from '@rollcall/jit-auth/scim/filter/filter';
import fc from 'fast-check';

/** Text that a resource can hold. */
export const texts = fc
  .oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('', 'work', 'Work', '50%', 'a_b', 'a\\b', 'É', 'ß', '\u{1f600}'),
  )
  .filter((text) => text.isWellFormed() && !text.includes('\0'));

const literals: fc.Arbitrary<Literal> = fc.oneof(
  texts.map((value) => ({ type: 'string' as const, value })),
  fc
    .integer({ min: -999, max: 999 })
    .map((value) => ({ type: 'number' as const, value, text: String(value) })),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
  fc.constant({ type: 'null' as const }),
);

const names = fc.constantFrom(
  'userName',
  'name.familyName',
  'emails.type',
  'urn:a:b:2.0:User:x',
  'members.$ref',
);

function tests(name: fc.Arbitrary<string>): fc.Arbitrary<Filter> {
  const compared = fc.record({ op: fc.constantFrom(...COMPARISONS), literal: literals });
  return fc
    .tuple(name, fc.oneof(fc.constant({ op: 'pr' as const }), compared))
    .map(([one, test]) => ({ kind: 'test' as const, name: one, test }));
}

/** Filters as the parser makes them: no `and` right below an `and`, nor an `or` below an `or`. */
export const filters: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter; where: Filter }>(
  (tie) => ({
    where: fc.oneof(
      { maxDepth: 2 },
      tests(fc.constantFrom('value', 'type')),
      connective(tie('where')),
    ),
    filter: fc.oneof(
      { maxDepth: 3 },
      tests(names),
      connective(tie('filter')),
      tie('filter').map((of) => ({ kind: 'not' as const, of })),
      fc.tuple(fc.constantFrom('emails', 'ims'), tie('where')).map(([name, where]) => ({
        kind: 'element' as const,
        name,
        where,
      })),
    ),
  }),
).filter;

function connective(part: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> {
  return fc
    .tuple(
      fc.constantFrom('and' as const, 'or' as const),
      fc.array(part, { minLength: 2, maxLength: 3 }),
    )
    .map(([kind, parts]) => ({
      kind,
      parts: parts.flatMap((one) => (one.kind === kind ? one.parts : [one])),
    }));
}

/** A filter as a client writes it. */
export function write(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts
        .map((part) =>
          filter.kind === 'and' && part.kind === 'or' ? `(${write(part)})` : write(part),
        )
        .join(` ${filter.kind} `);
    case 'not':
      return `not (${write(filter.of)})`;
    case 'element':
      return `${filter.name}[${write(filter.where)}]`;
    case 'test': {
      const { name, test } = filter;
      return test.op === 'pr' ? `${name} pr` : `${name} ${test.op} ${writeLiteral(test.literal)}`;
    }
    default:
      return filter satisfies never;
  }
}

function writeLiteral(literal: Literal): string {
  if (literal.type === 'null') return 'null';
  return literal.type === 'number' ? literal.text : JSON.stringify(literal.value);
}
