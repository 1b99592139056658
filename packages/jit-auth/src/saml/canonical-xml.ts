import { XmlC14NMode, type XmlElement } from 'libxml2-wasm';
import { SamlRefusal } from './refusal.ts';

/**
 * Exclusive canonical XML without comments (Exclusive XML Canonicalization 1.0)
 * of an element and what is in it. Throws `saml.not_canonical` where libxml2
 * cannot, such as for relative namespace names: an empty output is never taken
 * for a result, because a signature over nothing would fit it.
 */
export function canonicalize(element: XmlElement, inclusivePrefixes: readonly string[]): Buffer {
  const chunks: Buffer[] = [];
  const sink = {
    write(chunk: Uint8Array): number {
      // The memory belongs to libxml2 and is used again.
      chunks.push(Buffer.from(chunk));
      return chunk.byteLength;
    },
    close: () => true,
  };
  try {
    // A node set of one root; `element.canonicalize` would wrap every node of the document.
    element.doc.canonicalize(sink, {
      mode: XmlC14NMode.XML_C14N_EXCLUSIVE_1_0,
      withComments: false,
      nodeSet: new Set([element]),
      ...(inclusivePrefixes.length > 0
        ? { inclusiveNamespacePrefixes: [...inclusivePrefixes] }
        : {}),
    });
  } catch (cause) {
    throw notCanonical('an error', cause);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length === 0) throw notCanonical('nothing');
  return bytes;
}

function notCanonical(received: string, cause?: unknown): SamlRefusal {
  return new SamlRefusal('saml.not_canonical', { expected: 'canonical XML', received }, cause);
}
