import { X509Certificate } from 'node:crypto';
import { XmlElement } from 'libxml2-wasm';
import { SIGNATURE_NS } from './element.ts';
import { verifyEnveloped } from './enveloped-signature.ts';
import { withLibxmlDocument } from './libxml-element.ts';
import { parsing } from './metadata.ts';
import { metadataError } from './metadata-error.ts';
import { SamlRefusal } from './refusal.ts';

/**
 * Verifies that one of the pinned keys has signed the whole of the metadata (SAML
 * Metadata §3.1), as strictly as a response, and answers with the signed text: what
 * is read from anything else is not signed.
 * Throws `saml.metadata_not_signed`, `saml.metadata_signature_invalid` and, for what is no
 * XML, as `readMetadata` does.
 *
 * @param pins certificates, PEM, at least one.
 */
export function requireSignedMetadata(xml: string, pins: readonly string[]): string {
  const keys = pins.map((certificate) => ({
    certificate,
    key: new X509Certificate(certificate).publicKey,
  }));
  try {
    return parsing(xml, (text) =>
      withLibxmlDocument(text, ({ root }) =>
        verifyEnveloped(root, rootSignature(root), keys).bytes.toString('utf8'),
      ),
    );
  } catch (cause) {
    if (!(cause instanceof SamlRefusal)) throw cause;
    const received = `${cause.code}: ${String(cause.detail.received)}`;
    const expected = `a signature by one of ${pins.length} pinned certificates`;
    throw metadataError('saml.metadata_signature_invalid', expected, received, cause);
  }
}

/** SAML Metadata §2.3: the signature is a child of the element that it signs. */
function rootSignature(root: XmlElement): XmlElement {
  const signatures: XmlElement[] = [];
  for (let node = root.firstChild; node !== null; node = node.next) {
    if (!(node instanceof XmlElement)) continue;
    if (node.name === 'Signature' && node.namespaceUri === SIGNATURE_NS) signatures.push(node);
  }
  const [signature, more] = signatures;
  if (signature !== undefined && more === undefined) return signature;
  throw metadataError(
    'saml.metadata_not_signed',
    `one Signature in ${root.name}`,
    signature === undefined ? 'none' : `${signatures.length}`,
  );
}
