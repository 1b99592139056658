import { parseDateTime } from '../resource/date-time.ts';
import { foldAs } from '../resource/fold.ts';
import { type Attribute, subAttributeOf } from '../schema/attribute.ts';
import { type AttributePath, findAttribute } from '../schema/attribute-path.ts';
import type { ResourceType } from '../schema/schema.ts';
import { badRequest, type ScimError } from '../scim-error.ts';
import type { BoundFilter, BoundTest, Operand } from './bound-filter.ts';
import type { Comparison, Filter, Literal, Test } from './filter.ts';

/**
 * Looks up the names of a filter in the schema of a type of resource, and reads its
 * literals as the attributes' types want them. Pure. Throws `invalidFilter` for a name
 * that the type does not have, an operator that its type does not know, and a literal of
 * another type: nothing of a filter is ever passed over.
 */
export function bindFilter(filter: Filter, type: ResourceType): BoundFilter {
  return bind(filter, (name) => rootScope(type, name));
}

/** As {@link bindFilter}, for a filter over the values of a multi-valued attribute. */
export function bindElementFilter(filter: Filter, attribute: Attribute): BoundFilter {
  return bind(filter, (name) => elementScope(attribute, name));
}

/** A name that was found: the way to it from the scope, and the list on the way, if there is one. */
interface Found {
  /** To the attribute that is multi-valued; null where none is on the way. */
  readonly list: { readonly path: readonly string[]; readonly attribute: Attribute } | null;
  /** From the scope, or from a value of the list. */
  readonly path: readonly string[];
  readonly attribute: Attribute;
  /** The list itself was named, and none of its parts. */
  readonly whole: boolean;
}

type Scope = (name: string) => Found;

function bind(filter: Filter, scope: Scope): BoundFilter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, parts: filter.parts.map((part) => bind(part, scope)) };
    case 'not':
      return { kind: 'not', of: bind(filter.of, scope) };
    case 'test':
      return bindTest(filter.name, filter.test, scope(filter.name));
    case 'element':
      return bindElement(filter.name, filter.where, scope);
    default:
      return filter satisfies never;
  }
}

function bindElement(name: string, where: Filter, scope: Scope): BoundFilter {
  const { list } = scope(name);
  if (list === null) throw unfit(name, 'has one value at most, and takes no brackets');
  return { kind: 'element', ...list, where: bindElementFilter(where, list.attribute) };
}

function rootScope(type: ResourceType, name: string): Found {
  const found = findAttribute(type, name);
  if (found === null) throw unfit(name, `is no attribute of ${type.name}`);
  const { attribute, sub } = found;
  if (attribute.returned === 'never') throw unfit(name, 'is never told');
  const path = pathTo(found);
  if (attribute.multiValued) {
    const element = sub ?? valueOfElement(attribute);
    return {
      list: { path, attribute },
      path: element === null ? [] : [element.name],
      attribute: element ?? attribute,
      whole: sub === null,
    };
  }
  const single = { list: null, whole: false };
  if (sub === null) return { ...single, path, attribute };
  return { ...single, path: [...path, sub.name], attribute: sub };
}

function elementScope(attribute: Attribute, name: string): Found {
  const sub = subAttributeOf(attribute, name);
  if (sub === null) throw unfit(name, `is no part of ${attribute.name}`);
  return { list: null, path: [sub.name], attribute: sub, whole: false };
}

function pathTo({ extension, attribute }: AttributePath): readonly string[] {
  return extension === null ? [attribute.name] : [extension.id, attribute.name];
}

/** `emails co "x"` means `emails.value co "x"`; null where no part is called value. */
function valueOfElement(attribute: Attribute): Attribute | null {
  return attribute.type === 'complex' ? subAttributeOf(attribute, 'value') : null;
}

function bindTest(name: string, test: Test, found: Found): BoundFilter {
  const { list, whole } = found;
  if (list === null) return bindSingle(name, test, found);
  const { path, attribute } = found;
  const asked = boundTest(name, test, attribute);
  const some = (where: BoundFilter | null): BoundFilter => ({ kind: 'element', ...list, where });
  if (asked.op === 'pr') {
    return some(whole ? null : { kind: 'test', path, attribute, test: asked });
  }
  if (asked.op === 'absent') {
    const where: BoundFilter = { kind: 'test', path, attribute, test: { op: 'pr' } };
    return { kind: 'not', of: some(whole ? null : where) };
  }
  const one = some({ kind: 'test', path, attribute, test: asked });
  // Where there is no value at all, none is equal (RFC 7644 §3.4.2.2 `ne`).
  return asked.op === 'ne' ? { kind: 'or', parts: [one, { kind: 'not', of: some(null) }] } : one;
}

/** `manager eq "x"` means `manager.value eq "x"`; `name pr` asks for any part. */
function bindSingle(name: string, test: Test, { path, attribute }: Found): BoundFilter {
  const value = valueOfElement(attribute);
  const asked = boundTest(name, test, value ?? attribute);
  const general = asked.op === 'pr' || asked.op === 'absent';
  if (value === null || general) return { kind: 'test', path, attribute, test: asked };
  return { kind: 'test', path: [...path, value.name], attribute: value, test: asked };
}

function boundTest(name: string, test: Test, attribute: Attribute): BoundTest {
  if (test.op === 'pr') return test;
  const { op, literal } = test;
  if (literal.type === 'null') {
    if (op === 'eq') return { op: 'absent' };
    if (op === 'ne') return { op: 'pr' };
    throw unfit(name, 'compares null with eq and ne alone');
  }
  if (!OPERATORS_OF[kindOf(name, attribute)].includes(op)) throw unfit(name, `does not know ${op}`);
  const operand = operandOf(literal, attribute);
  if (operand === null) throw unfit(name, `is a ${attribute.type}, and the value is none`);
  return { op, operand };
}

/** RFC 7644 §3.4.2.2: booleans and binary values have no order. */
const OPERATORS_OF: Readonly<
  Record<'text' | 'number' | 'boolean' | 'binary', readonly Comparison[]>
> = {
  text: ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'],
  number: ['eq', 'ne', 'gt', 'ge', 'lt', 'le'],
  boolean: ['eq', 'ne'],
  binary: ['eq', 'ne', 'co', 'sw', 'ew'],
};

function kindOf(name: string, { type }: Attribute): keyof typeof OPERATORS_OF {
  switch (type) {
    case 'string':
    case 'reference':
      return 'text';
    case 'integer':
    case 'decimal':
    case 'dateTime':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'binary':
      return 'binary';
    case 'complex':
      throw unfit(name, 'has parts: name one of them');
    default:
      return type satisfies never;
  }
}

/** A literal as the attribute's type has it; null where it is of another type. */
function operandOf(
  literal: Exclude<Literal, { type: 'null' }>,
  attribute: Attribute,
): Operand | null {
  switch (attribute.type) {
    case 'boolean':
      return booleanOf(literal);
    case 'integer':
    case 'decimal':
      return literal.type === 'number' ? literal.value : null;
    case 'dateTime':
      return literal.type === 'string' ? parseDateTime(literal.value) : null;
    default:
      // Numbers of employees are texts, and some clients leave the quotes out.
      if (literal.type === 'boolean') return null;
      return foldAs(attribute, literal.type === 'string' ? literal.value : literal.text);
  }
}

/** Entra writes `primary eq "True"`. */
function booleanOf(literal: Exclude<Literal, { type: 'null' }>): boolean | null {
  if (literal.type === 'boolean') return literal.value;
  if (literal.type === 'number') return null;
  const text = literal.value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : null;
}

function unfit(name: string, why: string): ScimError {
  return badRequest('invalidFilter', `This filter cannot be answered: ${name} ${why}.`);
}
