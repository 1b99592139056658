import { XmlError } from 'libxml2-wasm';
import { SamlRefusal } from './refusal.ts';

/** Reads a message with libxml2. Throws `saml.not_xml` where it is not well-formed, and what `read` throws. */
export function requireWellFormed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = { expected: 'well-formed XML', received: error.message };
    throw new SamlRefusal('saml.not_xml', detail, error);
  }
}
