import type { Attribute } from '../schema/attribute.ts';
import { findByName, type NamedThing } from '../schema/attribute-path.ts';
import { COMMON_ATTRIBUTES } from '../schema/common-attributes.ts';
import type { ResourceType } from '../schema/schema.ts';
import { badRequest } from '../scim-error.ts';
import { isScimList, isScimObject, type ScimObject, type ScimValue } from './scim-value.ts';

/** Which attributes a client wants (RFC 7644 §3.9). */
export interface Projection {
  /** Null: those that are returned by default. */
  readonly only: readonly NamedThing[] | null;
  readonly without: readonly NamedThing[];
}

/** No client names so much: every name costs something for every row. */
const LONGEST_NAMES = 16_384;

/** Everything that is returned by default. */
export const WHOLE: Projection = { only: null, without: [] };

/**
 * Reads `attributes` and `excludedAttributes`: names with commas between them, or a list
 * of names. Names that the type does not have ask for nothing. Pure.
 * Throws `invalidValue` for a list of names that is longer than any could be.
 */
export function readProjection(
  type: ResourceType,
  attributes: unknown,
  excluded: unknown,
): Projection {
  const only = namesIn(attributes);
  const find = (names: readonly string[]) => names.flatMap((name) => findByName(type, name) ?? []);
  return { only: only === null ? null : find(only), without: find(namesIn(excluded) ?? []) };
}

function namesIn(raw: unknown): readonly string[] | null {
  const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  const joined = given.filter((one) => typeof one === 'string').join(',');
  if (joined.length > LONGEST_NAMES) {
    const most = `attributes and excludedAttributes have at most ${LONGEST_NAMES} characters.`;
    throw badRequest('invalidValue', most);
  }
  const names = joined.split(',').map((name) => name.trim().toLowerCase());
  const distinct = [...new Set(names.filter((name) => name !== ''))];
  return distinct.length === 0 ? null : distinct;
}

/** Whether a client gets any of an attribute: what it does not get need not be read. */
export function isWanted(name: string, { only, without }: Projection): boolean {
  const isOf = (thing: NamedThing) =>
    thing.kind === 'attribute' && thing.extension === null && thing.attribute.name === name;
  if (without.some((thing) => isOf(thing) && thing.kind === 'attribute' && thing.sub === null)) {
    return false;
  }
  return only === null || only.some(isOf);
}

/** What a client gets of a resource. `id`, `schemas` and what is never returned are not its choice. */
export function project(resource: ScimObject, type: ResourceType, wanted: Projection): ScimObject {
  const core = [...COMMON_ATTRIBUTES, ...type.schema.attributes];
  const kept = Object.entries(resource).flatMap(([name, value]) => {
    const extension = type.extensions.find(({ id }) => id === name);
    if (extension === undefined) {
      const attribute = core.find((one) => one.name === name);
      const part = attribute === undefined ? undefined : projectOne(value, attribute, null, wanted);
      return part === undefined ? [] : [[name, part] as const];
    }
    if (!isScimObject(value)) return [];
    const inner = Object.entries(value).flatMap(([inside, one]) => {
      const attribute = extension.attributes.find((known) => known.name === inside);
      const part =
        attribute === undefined ? undefined : projectOne(one, attribute, extension.id, wanted);
      return part === undefined ? [] : [[inside, part] as const];
    });
    return inner.length === 0 ? [] : [[name, Object.fromEntries(inner)] as const];
  });
  return Object.fromEntries(kept);
}

function projectOne(
  value: ScimValue,
  attribute: Attribute,
  extension: string | null,
  { only, without }: Projection,
): ScimValue | undefined {
  if (attribute.returned === 'always') return value;
  if (attribute.returned === 'never') return undefined;
  const named = (things: readonly NamedThing[]) =>
    things.flatMap((thing) => partNamed(thing, attribute, extension) ?? []);
  const excluded = named(without);
  if (excluded.includes('*')) return undefined;
  const less = excluded.length === 0 ? value : mapParts(value, (name) => !excluded.includes(name));
  if (less === undefined) return undefined;
  if (only === null) return attribute.returned === 'request' ? undefined : less;
  const asked = named(only);
  if (asked.length === 0) return undefined;
  return asked.includes('*') ? less : mapParts(less, (name) => asked.includes(name));
}

/** The part of an attribute that is named, `*` for all of it; null where another one is. */
function partNamed(
  thing: NamedThing,
  attribute: Attribute,
  extension: string | null,
): string | null {
  const urn = thing.extension?.id ?? null;
  if (urn !== extension) return null;
  if (thing.kind === 'extension') return '*';
  if (thing.attribute !== attribute) return null;
  return thing.sub?.name ?? '*';
}

function mapParts(value: ScimValue, keep: (name: string) => boolean): ScimValue | undefined {
  if (isScimList(value)) {
    const rest = value.flatMap((one) => mapParts(one, keep) ?? []);
    return rest.length === 0 ? undefined : rest;
  }
  if (!isScimObject(value)) return value;
  const entries = Object.entries(value).filter(([name]) => keep(name));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
