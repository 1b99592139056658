import { DOMParser } from '@xmldom/xmldom';
import { attributeKey, type Element } from './element.ts';

/** The little of the W3C DOM that is read here; the compiler has no browser's types. */
interface DomNode {
  readonly nodeType: number;
  readonly localName?: string | null;
  readonly nodeName: string;
  readonly namespaceURI?: string | null;
  readonly nodeValue: string | null;
  readonly firstChild: DomNode | null;
  readonly nextSibling: DomNode | null;
  readonly attributes?: { readonly length: number; item(index: number): DomNode | null };
}

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;
const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** Parses with xmldom into plain data. Throws for what xmldom finds wrong, warnings apart. */
export function parseWithXmldom(xml: string): Element {
  const refuse = (message: string) => {
    throw new Error(message);
  };
  const parser = new DOMParser({
    errorHandler: { warning: refuse, error: refuse, fatalError: refuse },
  });
  const root: DomNode | null = parser.parseFromString(xml, 'text/xml').documentElement;
  if (root === null) throw new Error('no root element');
  return fromDom(root);
}

function fromDom(node: DomNode): Element {
  const children: Element[] = [];
  let text = '';
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === ELEMENT) children.push(fromDom(child));
    else if (child.nodeType === TEXT || child.nodeType === CDATA) text += child.nodeValue ?? '';
  }
  return {
    namespace: node.namespaceURI ?? '',
    name: node.localName ?? node.nodeName,
    attributes: attributesOf(node),
    children,
    text,
  };
}

function attributesOf(node: DomNode): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (let index = 0; index < (node.attributes?.length ?? 0); index++) {
    const attribute = node.attributes?.item(index);
    if (!attribute || attribute.namespaceURI === XMLNS) continue;
    const name = attribute.localName ?? attribute.nodeName;
    attributes.set(attributeKey(attribute.namespaceURI ?? null, name), attribute.nodeValue ?? '');
  }
  return attributes;
}
