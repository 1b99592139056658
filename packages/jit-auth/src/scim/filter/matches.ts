import { parseDateTime } from '../resource/date-time.ts';
import { foldAs } from '../resource/fold.ts';
import { heldAt, isScimList, isScimObject, type ScimValue } from '../resource/scim-value.ts';
import type { Attribute } from '../schema/attribute.ts';
import type { BoundFilter, BoundTest, Operand } from './bound-filter.ts';

/**
 * Whether a resource, or one value of it, satisfies a filter. Pure. It answers as the
 * database does (`filter-sql`): PATCH picks values with it.
 */
export function satisfies(scope: ScimValue, filter: BoundFilter): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => satisfies(scope, part));
    case 'or':
      return filter.parts.some((part) => satisfies(scope, part));
    case 'not':
      return !satisfies(scope, filter.of);
    case 'element': {
      const { where } = filter;
      const list = walk(scope, filter.path);
      if (!isScimList(list)) return false;
      return where === null ? list.length > 0 : list.some((value) => satisfies(value, where));
    }
    case 'test':
      return passes(walk(scope, filter.path), filter.attribute, filter.test);
    default:
      return filter satisfies never;
  }
}

function walk(scope: ScimValue, path: readonly string[]): ScimValue | undefined {
  let value: ScimValue | undefined = scope;
  for (const name of path) value = isScimObject(value) ? heldAt(value, name) : undefined;
  return value;
}

function passes(value: ScimValue | undefined, attribute: Attribute, test: BoundTest): boolean {
  const present = value !== undefined && value !== '';
  if (test.op === 'pr') return present;
  if (test.op === 'absent') return !present;
  const held = comparable(value, attribute);
  if (held === null) return test.op === 'ne';
  return compare(held, test.op, test.operand);
}

function comparable(value: ScimValue | undefined, attribute: Attribute): Operand | null {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'string') return null;
  return attribute.type === 'dateTime' ? parseDateTime(value) : foldAs(attribute, value);
}

function compare(
  held: Operand,
  op: Exclude<BoundTest['op'], 'pr' | 'absent'>,
  operand: Operand,
): boolean {
  switch (op) {
    case 'eq':
      return held === operand;
    case 'ne':
      return held !== operand;
    case 'co':
      return String(held).includes(String(operand));
    case 'sw':
      return String(held).startsWith(String(operand));
    case 'ew':
      return String(held).endsWith(String(operand));
    case 'gt':
      return order(held, operand) > 0;
    case 'ge':
      return order(held, operand) >= 0;
    case 'lt':
      return order(held, operand) < 0;
    case 'le':
      return order(held, operand) <= 0;
    default:
      return op satisfies never;
  }
}

/** Texts in the order of their code points, as Postgres has them under the collation "C". */
function order(one: Operand, other: Operand): number {
  if (typeof one !== 'string' || typeof other !== 'string') return Number(one) - Number(other);
  const [a, b] = [[...one], [...other]];
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = (a[index]?.codePointAt(0) ?? 0) - (b[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
