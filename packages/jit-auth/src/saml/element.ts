import { SamlRefusal } from './refusal.ts';

/** Namespace of assertions (SAML Core §1.2). */
export const ASSERTION_NS = 'urn:oasis:names:tc:SAML:2.0:assertion';
/** Namespace of requests and responses (SAML Core §1.2). */
export const PROTOCOL_NS = 'urn:oasis:names:tc:SAML:2.0:protocol';
/** Namespace of XML Signature (XML Signature §1.3). */
export const SIGNATURE_NS = 'http://www.w3.org/2000/09/xmldsig#';
/** Namespace of `xsi:nil` (XML Schema Structures §2.6). */
export const SCHEMA_INSTANCE_NS = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * An XML element as plain data: what both parsers are read into, so that what
 * they understood can be compared. It names no prefixes, which mean nothing.
 */
export interface Element {
  /** Empty for an element in no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** By local name, or `{namespace}name` where the attribute has a namespace. Declarations are left out. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** The character data directly inside, in order, joined; that of children is not part of it. */
  readonly text: string;
}

/** The key of an attribute in {@link Element.attributes}. */
export function attributeKey(namespace: string | null, name: string): string {
  return namespace === null || namespace === '' ? name : `{${namespace}}${name}`;
}

/** Whether an element has this name in this namespace. */
export function isNamed(element: Element, namespace: string, name: string): boolean {
  return element.namespace === namespace && element.name === name;
}

/** The children with this name in this namespace. */
export function childrenOf(parent: Element, namespace: string, name: string): readonly Element[] {
  return parent.children.filter((child) => isNamed(child, namespace, name));
}

/**
 * The only child with this name, or null where there is none.
 * Throws `saml.malformed` where there are several: who reads the first and who
 * reads the last would read different things.
 */
export function onlyChild(parent: Element, namespace: string, name: string): Element | null {
  const found = childrenOf(parent, namespace, name);
  if (found.length > 1) {
    throw malformed(`at most one ${name} in ${parent.name}`, `${found.length}`);
  }
  return found[0] ?? null;
}

/** As {@link onlyChild}, for what must be there. */
export function requireChild(parent: Element, namespace: string, name: string): Element {
  const child = onlyChild(parent, namespace, name);
  if (child === null) throw malformed(`${name} in ${parent.name}`, 'none');
  return child;
}

/** The value of an attribute in no namespace, or null. */
export function attributeOf(element: Element, name: string): string | null {
  return element.attributes.get(name) ?? null;
}

/** The value of an attribute that must be there. Throws `saml.malformed`. */
export function requireAttribute(element: Element, name: string): string {
  const value = attributeOf(element, name);
  if (value === null || value === '') throw malformed(`${name} on ${element.name}`, 'none');
  return value;
}

/** The text of an element that may hold nothing else. Throws `saml.malformed`. */
export function textOf(element: Element): string {
  const [child] = element.children;
  if (child !== undefined) throw malformed(`only text in ${element.name}`, child.name);
  return element.text;
}

/** Throws `saml.malformed` where an element holds a child that is not listed, or text. */
export function requireKnownChildren(
  element: Element,
  known: Readonly<Record<string, readonly string[]>>,
): void {
  for (const child of element.children) {
    const names = Object.hasOwn(known, child.namespace) ? known[child.namespace] : undefined;
    if (!names?.includes(child.name)) {
      const received = attributeKey(child.namespace, child.name);
      throw malformed(`known elements in ${element.name}`, received);
    }
  }
  if (element.text.trim() !== '') throw malformed(`no text in ${element.name}`, 'text');
}

/** What is said of a document that is XML and yet no SAML message. */
export function malformed(expected: string, received: string): SamlRefusal {
  return new SamlRefusal('saml.malformed', { expected, received });
}
