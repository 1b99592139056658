import { bindElementFilter } from '../filter/bind-filter.ts';
import type { BoundFilter } from '../filter/bound-filter.ts';
import type { Filter } from '../filter/filter.ts';
import { FilterParser, tokensWithin } from '../filter/parse-filter.ts';
import { subAttributeOf } from '../schema/attribute.ts';
import { type AttributePath, findByName } from '../schema/attribute-path.ts';
import type { ResourceType, Schema } from '../schema/schema.ts';
import { badRequest, type ScimError } from '../scim-error.ts';

/** Which values of a multi-valued attribute a path means. */
export interface Selection {
  readonly filter: Filter;
  readonly where: BoundFilter;
}

/** What a path means (RFC 7644 §3.5.2 `PATH`). */
export type PatchTarget =
  | ({ readonly kind: 'attribute'; readonly selection: Selection | null } & AttributePath)
  | { readonly kind: 'extension'; readonly extension: Schema };

/**
 * Reads a path and looks its names up. Pure.
 * Throws `invalidPath` for a path that cannot be read or names what the type lacks, and
 * `invalidFilter` for what is asked in its brackets.
 */
export function readPath(path: string, type: ResourceType): PatchTarget {
  const parser = new FilterParser(tokensWithin(path, 'invalidPath'), 'invalidPath');
  const { name } = parser.readName();
  const filter = parser.readBrackets();
  const sub = filter === null ? null : parser.readSubName();
  parser.requireEnd();
  const thing = findByName(type, name);
  if (thing === null) throw unknown(name, type);
  if (filter === null) return thing.kind === 'extension' ? thing : { ...thing, selection: null };
  return selectedTarget(thing, filter, sub, name);
}

function selectedTarget(
  thing: NonNullable<ReturnType<typeof findByName>>,
  filter: Filter,
  subName: string | null,
  name: string,
): PatchTarget {
  if (thing.kind === 'extension' || !thing.attribute.multiValued || thing.sub !== null) {
    throw badRequest('invalidPath', `${name} takes no brackets: it has one value at most.`);
  }
  const { attribute } = thing;
  const sub = subName === null ? null : subAttributeOf(attribute, subName);
  if (subName !== null && sub === null) {
    throw badRequest('invalidPath', `${subName} is no part of ${attribute.name}.`);
  }
  const where = bindElementFilter(filter, attribute);
  return { ...thing, sub, selection: { filter, where } };
}

function unknown(name: string, type: ResourceType): ScimError {
  return badRequest('invalidPath', `${name} is no attribute of ${type.name}.`);
}
