import { type Attribute, subAttributeOf } from './attribute.ts';
import { COMMON_ATTRIBUTES } from './common-attributes.ts';
import type { ResourceType, Schema } from './schema.ts';

/** An attribute of a type of resource, found by its name. */
export interface AttributePath {
  /** The extension that has it; null for the schema of the type itself. */
  readonly extension: Schema | null;
  readonly attribute: Attribute;
  readonly sub: Attribute | null;
}

/** What a name means for a type of resource: an attribute, or a whole extension. */
export type NamedThing =
  | ({ readonly kind: 'attribute' } & AttributePath)
  | { readonly kind: 'extension'; readonly extension: Schema };

/**
 * Finds what a name means: `userName`, `NAME.givenName`, `urn:…:User:department`, or the
 * URN of an extension. Names and URNs are equal whatever their case (RFC 7643 §2.1, RFC
 * 7644 §3.10). Null where the type has nothing of that name; nothing but the schema is
 * ever asked, so no name reaches a property of JavaScript's own.
 */
export function findByName(type: ResourceType, name: string): NamedThing | null {
  const lower = name.toLowerCase();
  for (const extension of type.extensions) {
    const urn = extension.id.toLowerCase();
    if (lower === urn) return { kind: 'extension', extension };
    if (lower.startsWith(`${urn}:`)) {
      return findIn(extension.attributes, extension, name.slice(urn.length + 1));
    }
  }
  const urn = `${type.schema.id.toLowerCase()}:`;
  const rest = lower.startsWith(urn) ? name.slice(urn.length) : name;
  return findIn([...COMMON_ATTRIBUTES, ...type.schema.attributes], null, rest);
}

/** As {@link findByName}, for an attribute alone. */
export function findAttribute(type: ResourceType, name: string): AttributePath | null {
  const found = findByName(type, name);
  return found?.kind === 'attribute' ? found : null;
}

function findIn(
  attributes: readonly Attribute[],
  extension: Schema | null,
  name: string,
): NamedThing | null {
  const dot = name.indexOf('.');
  const head = (dot < 0 ? name : name.slice(0, dot)).toLowerCase();
  const attribute = attributes.find((one) => one.name.toLowerCase() === head);
  if (attribute === undefined) return null;
  if (dot < 0) return { kind: 'attribute', extension, attribute, sub: null };
  const sub = subAttributeOf(attribute, name.slice(dot + 1));
  return sub === null ? null : { kind: 'attribute', extension, attribute, sub };
}

/** How a path is written. */
export function sayPath({ extension, attribute, sub }: AttributePath): string {
  const head = extension === null ? attribute.name : `${extension.id}:${attribute.name}`;
  return sub === null ? head : `${head}.${sub.name}`;
}
