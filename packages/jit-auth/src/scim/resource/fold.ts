import type { Attribute } from '../schema/attribute.ts';
import { COMMON_ATTRIBUTES } from '../schema/common-attributes.ts';
import type { ResourceType } from '../schema/schema.ts';
import { isScimList, isScimObject, type ScimObject, type ScimValue } from './scim-value.ts';

/**
 * A text as it is compared where case says nothing (RFC 7643 §2.2 `caseExact`). The
 * database keeps attributes in this form too, so that both have one idea of case.
 */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** A text as an attribute's values are compared. */
export function foldAs({ caseExact }: Pick<Attribute, 'caseExact'>, text: string): string {
  return caseExact ? text : fold(text);
}

/** A resource whose texts are as they are compared: what filters are asked of. */
export function foldResource(resource: ScimObject, type: ResourceType): ScimObject {
  const core = [...COMMON_ATTRIBUTES, ...type.schema.attributes];
  const folded = Object.entries(resource).map(([name, value]) => {
    const extension = type.extensions.find(({ id }) => id === name);
    if (extension !== undefined && isScimObject(value)) {
      return [name, foldObject(value, extension.attributes)] as const;
    }
    const attribute = core.find((one) => one.name === name);
    return [name, attribute === undefined ? value : foldValue(value, attribute)] as const;
  });
  return Object.fromEntries(folded);
}

function foldObject(object: ScimObject, attributes: readonly Attribute[]): ScimObject {
  const folded = Object.entries(object).map(([name, value]) => {
    const attribute = attributes.find((one) => one.name === name);
    return [name, attribute === undefined ? value : foldValue(value, attribute)] as const;
  });
  return Object.fromEntries(folded);
}

function foldValue(value: ScimValue, attribute: Attribute): ScimValue {
  if (typeof value === 'string') return foldAs(attribute, value);
  if (isScimList(value)) return value.map((one) => foldValue(one, attribute));
  return isScimObject(value) ? foldObject(value, attribute.subAttributes) : value;
}
