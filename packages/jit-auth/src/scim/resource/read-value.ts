import { type Attribute, subAttributeOf } from '../schema/attribute.ts';
import { badRequest, type ScimError } from '../scim-error.ts';
import { parseDateTime } from './date-time.ts';
import { isEmpty, isScimObject, type ScimObject, type ScimValue } from './scim-value.ts';

/** So many values of one attribute are kept; more are no description of a person. */
export const MAX_VALUES = 500;
/** Characters of all values of one attribute together, as JSON. */
const MAX_TEXT = 131_072;

/**
 * Reads what a client sent for an attribute as its type has it; undefined where nothing
 * is assigned: null, an empty list, an empty object (RFC 7643 §2.5). It takes what
 * clients send beside the letter of the schema: `"False"` for a boolean, a number for a
 * text, one value for a list and a list of one for a value, a bare id for a manager.
 * Throws `invalidValue`.
 */
export function readAttribute(attribute: Attribute, raw: unknown): ScimValue | undefined {
  if (raw === null || raw === undefined) return undefined;
  if (attribute.multiValued) return readList(attribute, raw);
  if (!Array.isArray(raw)) return readSingle(attribute, raw);
  if (raw.length > 1) throw wrong(attribute, 'has one value at most');
  const [one]: readonly unknown[] = raw;
  // Once: whoever nests lists in lists means nothing by it, and could do so for ever.
  return one === null || one === undefined ? undefined : readSingle(attribute, one);
}

/** Reads several values; the same value counts once (RFC 7643 §2.4). */
export function readList(attribute: Attribute, raw: unknown): readonly ScimValue[] | undefined {
  const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  if (given.length > MAX_VALUES) throw tooManyValues(attribute);
  const values = given.flatMap((one) => {
    const value = one === null ? undefined : readSingle(attribute, one);
    return value === undefined || isEmpty(value) ? [] : [value];
  });
  const distinct = withoutRepetitions(attribute, values);
  if (distinct.filter(isPrimary).length > 1)
    throw wrong(attribute, 'has one primary value at most');
  return distinct.length === 0 ? undefined : distinct;
}

/**
 * Each value once, in the order of their first. Throws `invalidValue` where they are more,
 * or longer, than one attribute may have: however many operations added them.
 */
export function withoutRepetitions(
  attribute: Attribute,
  values: readonly ScimValue[],
): readonly ScimValue[] {
  const distinct = new Map(values.map((value) => [keyOf(value), value]));
  if (distinct.size > MAX_VALUES) throw tooManyValues(attribute);
  let length = 0;
  for (const key of distinct.keys()) length += key.length;
  if (length > MAX_TEXT) throw wrong(attribute, `has ${MAX_TEXT} characters at most`);
  return [...distinct.values()];
}

function tooManyValues(attribute: Attribute): ScimError {
  return wrong(attribute, `has ${MAX_VALUES} values at most`);
}

/** Whether a value is the preferred one of its list. */
export function isPrimary(value: ScimValue): boolean {
  return isScimObject(value) && value.primary === true;
}

/** A text that is the same for values that say the same. */
function keyOf(value: ScimValue): string {
  if (!isScimObject(value)) return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readSingle(attribute: Attribute, raw: unknown): ScimValue | undefined {
  switch (attribute.type) {
    case 'complex':
      return readComplex(attribute, raw);
    case 'boolean':
      return readBoolean(attribute, raw);
    case 'integer':
    case 'decimal':
      return readNumber(attribute, raw);
    case 'dateTime':
    case 'string':
    case 'reference':
    case 'binary':
      return readText(attribute, raw);
    default:
      return attribute.type satisfies never;
  }
}

function readComplex(attribute: Attribute, raw: unknown): ScimObject | undefined {
  if (typeof raw === 'string') return readBareValue(attribute, raw);
  const entries = subEntries(attribute, raw).flatMap(([sub, value]) => {
    const read = readAttribute(sub, value);
    return read === undefined ? [] : [[sub.name, read] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/**
 * The parts of a complex value that a client may write, with what it sent. Parts that
 * the schema lacks are passed over, as are those that only the server writes.
 * Throws `invalidValue` where the value is no object, or names a part twice.
 */
export function subEntries(
  attribute: Attribute,
  raw: unknown,
): readonly (readonly [Attribute, unknown])[] {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw wrong(attribute, 'is an object');
  }
  const entries = new Map<Attribute, unknown>();
  for (const [name, value] of Object.entries(raw)) {
    const sub = subAttributeOf(attribute, name);
    if (sub === null || sub.mutability === 'readOnly') continue;
    if (entries.has(sub)) throw wrong(attribute, `names ${sub.name} once`);
    entries.set(sub, value);
  }
  return [...entries];
}

/** `"manager": "26118915"`, as Entra sends it. An empty one takes the manager away. */
function readBareValue(attribute: Attribute, raw: string): ScimObject | undefined {
  const sub = subAttributeOf(attribute, 'value');
  if (sub === null) throw wrong(attribute, 'is an object');
  if (raw === '') return undefined;
  const value = readAttribute(sub, raw);
  return value === undefined ? undefined : { [sub.name]: value };
}

/** Entra sends `"True"` and `"False"`. No other text is taken for a boolean, least of all for true. */
function readBoolean(attribute: Attribute, raw: unknown): boolean {
  if (typeof raw === 'boolean') return raw;
  const text = typeof raw === 'string' ? raw.toLowerCase() : '';
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw wrong(attribute, 'is true or false');
}

function readNumber(attribute: Attribute, raw: unknown): number {
  const number = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
  const whole = attribute.type !== 'integer' || Number.isSafeInteger(number);
  if (typeof number === 'number' && Number.isFinite(number) && whole) return number;
  throw wrong(attribute, attribute.type === 'integer' ? 'is a whole number' : 'is a number');
}

function readText(attribute: Attribute, raw: unknown): string {
  // Beyond 2^53 JSON has read another number than was sent: two people would be one.
  if (typeof raw === 'number' && Number.isInteger(raw) && !Number.isSafeInteger(raw)) {
    throw wrong(attribute, 'is a text: numbers of so many digits go into quotes');
  }
  const text = typeof raw === 'number' ? String(raw) : raw;
  if (typeof text !== 'string') throw wrong(attribute, 'is a text');
  // Postgres stores neither.
  if (text.includes('\0') || !text.isWellFormed()) {
    throw wrong(attribute, 'has characters that are no text');
  }
  if (attribute.type === 'dateTime' && parseDateTime(text) === null) {
    throw wrong(attribute, 'is a point in time, such as 2026-01-31T12:00:00Z');
  }
  return text;
}

function wrong(attribute: Attribute, what: string): ScimError {
  return badRequest('invalidValue', `${attribute.name} ${what}.`);
}
