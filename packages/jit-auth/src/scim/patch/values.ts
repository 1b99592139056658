import type { Filter } from '../filter/filter.ts';
import { satisfies } from '../filter/matches.ts';
import { isPrimary, readAttribute, withoutRepetitions } from '../resource/read-value.ts';
import {
  heldAt,
  isEmpty,
  isSameValue,
  isScimObject,
  type ScimObject,
  type ScimValue,
  withValue,
} from '../resource/scim-value.ts';
import { type Attribute, subAttributeOf } from '../schema/attribute.ts';
import { badRequest, type ScimError } from '../scim-error.ts';
import type { Selection } from './patch-target.ts';

/** The values of a multi-valued attribute. */
export type Values = readonly ScimValue[];

/** Adds values that are not there yet (RFC 7644 §3.5.2.1). */
export function addValues(attribute: Attribute, held: Values, added: Values): Values {
  const all = withoutRepetitions(attribute, [...held, ...added]);
  return withOnePrimary(all, (value) => added.some((one) => isSameValue(one, value)));
}

/**
 * Takes the values away that are named: by their `value` where both have one, else by all
 * that was said of them. Entra names members so, beside a path without brackets.
 */
export function removeNamed(held: Values, named: Values): Values {
  return held.filter((value) => !named.some((one) => isNamedBy(value, one)));
}

/** Takes the values away that a path selects. */
export function removeSelected(held: Values, { where }: Selection): Values {
  return held.filter((value) => !satisfies(value, where));
}

/** Puts a value in the place of each that a path selects; where there is none, makes it. */
export function replaceSelected(
  attribute: Attribute,
  held: Values,
  selection: Selection,
  given: ScimValue,
): Values {
  if (!isScimObject(given)) throw badRequest('invalidValue', `${attribute.name} is an object.`);
  const seed = seedOf(attribute, selection.filter);
  // What the path asked for stays true, unless the value itself says otherwise.
  const value = { ...(seed ?? {}), ...given };
  const selected = held.map((one) => satisfies(one, selection.where));
  if (!selected.includes(true)) {
    return addValues(attribute, held, [requireSeeded(attribute, seed, value)]);
  }
  const next = held.map((one, index) => (selected[index] === true ? value : one));
  return withOnePrimary(withoutRepetitions(attribute, next), (one) => isSameValue(one, value));
}

/** Adds parts to each value that a path selects; where there is none, makes it. */
export function mergeIntoSelected(
  attribute: Attribute,
  held: Values,
  selection: Selection,
  given: ScimValue,
): Values {
  if (!isScimObject(given)) throw badRequest('invalidValue', `${attribute.name} is an object.`);
  const merge = (value: ScimObject): ScimObject => ({ ...value, ...given });
  return changeSelected(attribute, held, selection, merge);
}

/** Sets a part of each value that a path selects, or of all; where there is none, makes it. */
export function setPart(
  attribute: Attribute,
  held: Values,
  selection: Selection | null,
  sub: Attribute,
  raw: unknown,
): Values {
  const part = readAttribute(sub, raw);
  if (part === undefined) return removePart(held, selection, sub);
  const set = (value: ScimObject): ScimObject => withValue(value, sub.name, part);
  if (selection !== null) return changeSelected(attribute, held, selection, set);
  return held.length === 0 ? [set({})] : change(attribute, held, () => true, set);
}

/**
 * Takes a part from each value that a path selects, or from all. A value of which nothing
 * but its kind is left says nothing, and goes too.
 */
export function removePart(held: Values, selection: Selection | null, sub: Attribute): Values {
  return held.flatMap((value) => {
    const meant = selection === null || satisfies(value, selection.where);
    if (!meant || !isScimObject(value)) return [value];
    const rest = withValue(value, sub.name, undefined);
    return saysSomething(rest) ? [rest] : [];
  });
}

function saysSomething(value: ScimObject): boolean {
  return Object.keys(value).some(
    (name) => name !== 'type' && name !== 'primary' && name !== 'display',
  );
}

function changeSelected(
  attribute: Attribute,
  held: Values,
  { filter, where }: Selection,
  set: (value: ScimObject) => ScimObject,
): Values {
  if (held.some((value) => satisfies(value, where))) {
    return change(attribute, held, (value) => satisfies(value, where), set);
  }
  const seed = seedOf(attribute, filter);
  return addValues(attribute, held, [requireSeeded(attribute, seed, set(seed ?? {}))]);
}

function change(
  attribute: Attribute,
  held: Values,
  isMeant: (value: ScimValue) => boolean,
  set: (value: ScimObject) => ScimObject,
): Values {
  const changed = new Set<ScimValue>();
  const next = held.map((value) => {
    if (!isScimObject(value) || !isMeant(value)) return value;
    const after = set(value);
    changed.add(after);
    return after;
  });
  return withOnePrimary(withoutRepetitions(attribute, next), (value) => changed.has(value));
}

/**
 * The value that satisfies a filter of nothing but equalities, as `type eq "work"`; null
 * where a filter says less than which value it means.
 */
function seedOf(attribute: Attribute, filter: Filter): ScimObject | null {
  if (filter.kind === 'and') {
    const seeds = filter.parts.map((part) => seedOf(attribute, part));
    return seeds.includes(null) ? null : Object.assign({}, ...seeds);
  }
  if (filter.kind !== 'test' || filter.test.op !== 'eq') return null;
  const sub = subAttributeOf(attribute, filter.name);
  const { literal } = filter.test;
  if (sub === null || literal.type === 'null') return null;
  const value = readAttribute(sub, literal.value);
  return value === undefined ? null : { [sub.name]: value };
}

/** RFC 7644 §3.5.2.3: nothing is selected, and nothing says what to make. */
function requireSeeded(
  attribute: Attribute,
  seed: ScimObject | null,
  value: ScimObject,
): ScimObject {
  if (seed !== null && !isEmpty(value)) return value;
  throw noTarget(`No value of ${attribute.name} is selected by the path.`);
}

/** What a path means is not there. */
export function noTarget(message: string): ScimError {
  return badRequest('noTarget', message);
}

function isNamedBy(value: ScimValue, name: ScimValue): boolean {
  if (!isScimObject(value) || !isScimObject(name)) return isSameValue(value, name);
  const wanted = heldAt(name, 'value');
  if (wanted !== undefined && Object.hasOwn(value, 'value')) {
    return isSameValue(heldAt(value, 'value'), wanted);
  }
  return Object.entries(name).every(([part, said]) => isSameValue(heldAt(value, part), said));
}

/**
 * Where a value has become the primary one, no other stays it (RFC 7644 §3.5.2). Of
 * several that have at once, the last does.
 */
function withOnePrimary(values: Values, isNew: (value: ScimValue) => boolean): Values {
  const chosen = values.findLast((value) => isPrimary(value) && isNew(value));
  if (chosen === undefined) return values;
  return values.map((value) => {
    if (value === chosen || !isScimObject(value) || !isPrimary(value)) return value;
    return { ...value, primary: false };
  });
}
