import {
  ParseOption,
  XmlCData,
  XmlDocument,
  XmlElement,
  XmlError,
  XmlText,
  XmlTreeNode,
} from 'libxml2-wasm';
import { attributeKey, type Element } from './element.ts';

/**
 * No network, no external entities, no catalog of the machine; well-formed or
 * nothing. libxml2 itself bounds depth (256), names (50 KB) and entity growth.
 */
const OPTIONS =
  ParseOption.XML_PARSE_NONET |
  ParseOption.XML_PARSE_NO_XXE |
  ParseOption.XML_PARSE_NO_SYS_CATALOG |
  ParseOption.XML_PARSE_NOERROR |
  ParseOption.XML_PARSE_NOWARNING;

/**
 * Parses with libxml2 and hands the document to `use`, after which its memory is
 * freed. Throws the parser's error for what is not well-formed.
 */
export function withLibxmlDocument<T>(
  source: string | Uint8Array,
  use: (document: XmlDocument) => T,
): T {
  const document =
    typeof source === 'string'
      ? XmlDocument.fromString(source, { option: OPTIONS })
      : XmlDocument.fromBuffer(source, { option: OPTIONS });
  try {
    return use(document);
  } finally {
    document.dispose();
  }
}

/** Parses a whole document into plain data. Throws as {@link withLibxmlDocument}. */
export function parseWithLibxml(source: string | Uint8Array): Element {
  return withLibxmlDocument(source, (document) => fromLibxml(document.root));
}

/**
 * An element of libxml2 as plain data, without its comments. Throws `XmlError` for
 * processing instructions: the binding cannot go past one, and no message has any.
 * Also for an attribute that two prefixes of one namespace name twice, which
 * libxml2 lets pass (Namespaces in XML 1.0 §6.3).
 */
export function fromLibxml(element: XmlElement): Element {
  const children: Element[] = [];
  let text = '';
  for (let node = element.firstChild; node !== null; node = node.next) {
    if (!(node instanceof XmlTreeNode)) throw new XmlError('a processing instruction');
    if (node instanceof XmlElement) children.push(fromLibxml(node));
    else if (node instanceof XmlText || node instanceof XmlCData) text += node.content;
  }
  const attributes = element.attrs.map(
    (attribute) => [attributeKey(attribute.namespaceUri, attribute.name), attribute.value] as const,
  );
  const byKey = new Map(attributes);
  if (byKey.size !== attributes.length) throw new XmlError('an attribute that occurs twice');
  return {
    namespace: element.namespaceUri,
    name: element.name,
    attributes: byKey,
    children,
    text,
  };
}
