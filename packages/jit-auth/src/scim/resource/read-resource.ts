import type { Attribute } from '../schema/attribute.ts';
import { type AttributePath, findByName, sayPath } from '../schema/attribute-path.ts';
import type { ResourceType, Schema } from '../schema/schema.ts';
import { badRequest } from '../scim-error.ts';
import { readAttribute } from './read-value.ts';
import { heldAt, isScimObject, type ScimObject, withValue } from './scim-value.ts';

/** What a client sent for one attribute, or for a part of it. */
export interface Assignment extends AttributePath {
  readonly raw: unknown;
}

/**
 * Reads a resource that a client sent whole (RFC 7644 §3.3 and §3.5.1): the attributes
 * under their own names, in their own types. What the type does not know is passed over,
 * as are `id`, `meta` and whatever else only the server writes. Pure.
 * Throws `invalidSyntax` where it is no resource of the type, and `invalidValue`.
 */
export function readResource(body: unknown, type: ResourceType): ScimObject {
  requireSchema(body, type);
  const resource = assignmentsIn(body, type).reduce(assign, {});
  requireComplete(resource, type, 'invalidValue');
  return resource;
}

/**
 * What an object says of the attributes of a type, whether it names them plainly, with
 * their parts (`name.givenName`) or with their URN, or has them in an object under the
 * URN of an extension. Throws `invalidSyntax` where it says something twice.
 */
export function assignmentsIn(body: unknown, type: ResourceType): readonly Assignment[] {
  const found = Object.entries(requireObject(body)).flatMap(([name, raw]) => {
    const thing = findByName(type, name);
    if (thing === null) return [];
    if (thing.kind === 'attribute') return [{ ...thing, raw }];
    return raw === null ? [] : assignmentsInExtension(raw, type, thing.extension);
  });
  const seen = new Set<string>();
  for (const assignment of found) {
    const name = sayPath(assignment);
    if (seen.has(name)) throw badRequest('invalidSyntax', `${name} is given twice.`);
    seen.add(name);
  }
  return found.filter((assignment) => isWritable(assignment));
}

function assignmentsInExtension(
  raw: unknown,
  type: ResourceType,
  extension: Schema,
): readonly Assignment[] {
  return Object.entries(requireObject(raw)).flatMap(([name, value]) => {
    const thing = findByName(type, `${extension.id}:${name}`);
    return thing?.kind === 'attribute' ? [{ ...thing, raw: value }] : [];
  });
}

/** Whether a client's word counts for an attribute. A password is thrown away. */
export function isWritable({ attribute, sub }: AttributePath): boolean {
  const writable = ({ mutability }: Attribute) =>
    mutability === 'readWrite' || mutability === 'immutable';
  return writable(attribute) && (sub === null || writable(sub));
}

/** Throws where an attribute is missing that every resource of the type has. */
export function requireComplete(
  resource: ScimObject,
  type: ResourceType,
  scimType: 'invalidValue' | 'mutability',
): void {
  for (const { name, required } of type.schema.attributes) {
    const value = heldAt(resource, name);
    if (required && (value === undefined || value === '')) {
      throw badRequest(scimType, `${name} is required.`);
    }
  }
}

function assign(resource: ScimObject, { extension, attribute, sub, raw }: Assignment): ScimObject {
  if (extension !== null) {
    const held = heldAt(resource, extension.id);
    const inner = isScimObject(held) ? held : {};
    const next = assign(inner, { extension: null, attribute, sub, raw });
    return withValue(resource, extension.id, next);
  }
  if (sub === null) return withValue(resource, attribute.name, readAttribute(attribute, raw));
  if (attribute.multiValued) return resource;
  const held = heldAt(resource, attribute.name);
  const inner = isScimObject(held) ? held : {};
  return withValue(resource, attribute.name, withValue(inner, sub.name, readAttribute(sub, raw)));
}

function requireSchema(body: unknown, type: ResourceType): void {
  const object = requireObject(body);
  const entry = Object.entries(object).find(([name]) => name.toLowerCase() === 'schemas');
  const schemas: readonly unknown[] = Array.isArray(entry?.[1]) ? entry[1] : [];
  const wanted = type.schema.id.toLowerCase();
  if (schemas.some((one) => typeof one === 'string' && one.toLowerCase() === wanted)) return;
  throw badRequest('invalidSyntax', `schemas must name ${type.schema.id}.`);
}

function requireObject(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return body as Readonly<Record<string, unknown>>;
  }
  throw badRequest('invalidSyntax', 'A JSON object was expected.');
}
