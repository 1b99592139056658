import type { BoundFilter } from './bound-filter.ts';

/**
 * Whether few can satisfy a filter, and an index leads to them: it asks that something be
 * equal by which they are found. Pure.
 *
 * @param indexed paths by whose equality rows are found, parts of values too.
 */
export function isNarrow(
  filter: BoundFilter,
  indexed: ReadonlySet<string>,
  within: readonly string[] = [],
): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.some((part) => isNarrow(part, indexed, within));
    case 'or':
      return filter.parts.every((part) => isNarrow(part, indexed, within));
    case 'not':
      return false;
    case 'element': {
      const path = [...within, ...filter.path];
      return filter.where !== null && isNarrow(filter.where, indexed, path);
    }
    case 'test':
      return filter.test.op === 'eq' && indexed.has([...within, ...filter.path].join('.'));
    default:
      return filter satisfies never;
  }
}
