import { attributeOf, type Element, malformed, requireAttribute, textOf } from './element.ts';

/** Who made a message (SAML Core §2.2.5). */
export interface IssuerFacts {
  readonly value: string;
  readonly format: string | null;
}

/**
 * xs:ID is an NCName. Shorter than the specification allows, and free of
 * anything that a query could mistake for its own syntax.
 */
const ID = /^[\p{L}_][\p{L}\p{N}._-]{0,255}$/u;

/** Whether a value can be an ID. */
export function isId(value: string): boolean {
  return ID.test(value);
}

/** The ID of a message or an assertion. Throws `saml.malformed`. */
export function readId(element: Element): string {
  const id = requireAttribute(element, 'ID');
  if (!isId(id)) throw malformed(`an ID on ${element.name} that is an NCName`, id);
  return id;
}

/** Reads an Issuer. Throws `saml.malformed`. */
export function readIssuer(issuer: Element): IssuerFacts {
  return { value: textOf(issuer), format: attributeOf(issuer, 'Format') };
}
