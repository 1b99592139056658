/** What an attribute holds. There is no null: what is not assigned is not there (RFC 7643 §2.5). */
export type ScimValue = string | number | boolean | ScimObject | readonly ScimValue[];

/** A resource, or a complex value. Its names are those of the schema, in its own case. */
export interface ScimObject {
  readonly [name: string]: ScimValue;
}

/** Whether a value is a complex one. */
export function isScimObject(value: ScimValue | undefined): value is ScimObject {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Whether a value has several. */
export function isScimList(value: ScimValue | undefined): value is readonly ScimValue[] {
  return Array.isArray(value);
}

/** What an object holds under a name of its own; undefined where it holds nothing. */
export function heldAt(object: ScimObject, name: string): ScimValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The same object with another value under a name; without it, where there is none to hold. */
export function withValue(
  object: ScimObject,
  name: string,
  value: ScimValue | undefined,
): ScimObject {
  if (value === undefined || isEmpty(value)) {
    return Object.fromEntries(Object.entries(object).filter(([one]) => one !== name));
  }
  return { ...object, [name]: value };
}

/** Nothing is assigned by an empty list or an empty object (RFC 7643 §2.5). */
export function isEmpty(value: ScimValue): boolean {
  if (isScimList(value)) return value.length === 0;
  return isScimObject(value) && Object.keys(value).length === 0;
}

/** Whether two values say the same, in whichever order objects name it. */
export function isSameValue(one: ScimValue | undefined, other: ScimValue | undefined): boolean {
  if (one === other) return true;
  if (isScimList(one)) {
    if (!isScimList(other) || one.length !== other.length) return false;
    return one.every((value, index) => isSameValue(value, other[index]));
  }
  if (!isScimObject(one) || !isScimObject(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => isSameValue(one[name], heldAt(other, name)));
}
