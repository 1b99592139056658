import { type XmlDocument, XmlElement } from 'libxml2-wasm';
import { checkStatus } from './conditions.ts';
import { ASSERTION_NS, PROTOCOL_NS, SIGNATURE_NS } from './element.ts';
import { fromLibxml } from './libxml-element.ts';
import { refuse, type SamlRefusal } from './refusal.ts';
import { type EnvelopeFacts, readEnvelope } from './response-facts.ts';

/** Where the parts of a response are. */
export interface Anatomy {
  readonly response: XmlElement;
  /** Assertion, or EncryptedAssertion. */
  readonly assertion: XmlElement;
  readonly encrypted: boolean;
  readonly responseSignature: XmlElement | null;
  /** Null where the assertion is encrypted: its signature is encrypted with it. */
  readonly assertionSignature: XmlElement | null;
}

/** Finds the parts by their places, and refuses whatever else bears their names. */
export function dissectResponse(document: XmlDocument): Anatomy {
  const response = document.root;
  if (response.name !== 'Response' || response.namespaceUri !== PROTOCOL_NS) {
    throw refuse('saml.malformed', `Response in ${PROTOCOL_NS}`, response.name);
  }
  // One way through the document, whatever it is long.
  const found = findAll(document, 'Assertion', 'EncryptedAssertion', 'Signature');
  const named = (name: string) => found.filter((element) => element.name === name);
  const sealed = named('EncryptedAssertion');
  const assertions = [...named('Assertion'), ...sealed];
  const [assertion] = assertions;
  if (assertion === undefined) throw withoutAssertion(readEnvelope(fromLibxml(response)));
  if (assertions.length > 1) {
    throw refuse('saml.not_one_assertion', 'one Assertion', `${assertions.length}`);
  }
  if (assertion.namespaceUri !== ASSERTION_NS || !assertion.parent?.isSameNode(response)) {
    throw refuse('saml.malformed', `Assertion of ${ASSERTION_NS} in Response`, 'another place');
  }
  const encrypted = sealed.length > 0;
  const signatures = named('Signature');
  const responseSignature = onlyIn(response, signatures);
  const assertionSignature = encrypted ? null : onlyIn(assertion, signatures);
  requireNoOther(signatures, [responseSignature, assertionSignature]);
  return { response, assertion, encrypted, responseSignature, assertionSignature };
}

/** The signature of a decrypted assertion, which is a document of its own; null where there is none. */
export function signatureOfAssertion(document: XmlDocument): XmlElement | null {
  const { root } = document;
  if (root.name !== 'Assertion' || root.namespaceUri !== ASSERTION_NS) {
    throw refuse('saml.malformed', `Assertion in ${ASSERTION_NS}`, root.name);
  }
  const signatures = findAll(document, 'Signature');
  const signature = onlyIn(root, signatures);
  requireNoOther(signatures, [signature]);
  return signature;
}

function requireNoOther(
  signatures: readonly XmlElement[],
  placed: readonly (XmlElement | null)[],
): void {
  if (placed.filter((found) => found !== null).length === signatures.length) return;
  throw refuse('saml.signature_malformed', 'Signature in Response or Assertion', 'elsewhere');
}

/** SAML Core §3.2.2.2: a provider that lets nobody in says why. */
function withoutAssertion(envelope: EnvelopeFacts): SamlRefusal {
  checkStatus(envelope);
  return refuse('saml.not_one_assertion', 'one Assertion', 'none');
}

function findAll(document: XmlDocument, ...names: readonly string[]): readonly XmlElement[] {
  const named = names.map((name) => `local-name()='${name}'`).join(' or ');
  return document
    .find(`//*[${named}]`)
    .filter((node): node is XmlElement => node instanceof XmlElement);
}

function onlyIn(parent: XmlElement, signatures: readonly XmlElement[]): XmlElement | null {
  const inside = signatures.filter((signature) => signature.parent?.isSameNode(parent));
  const [signature] = inside;
  if (signature === undefined) return null;
  if (inside.length > 1 || signature.namespaceUri !== SIGNATURE_NS) {
    throw refuse('saml.signature_malformed', `one Signature of ${SIGNATURE_NS}`, 'another');
  }
  return signature;
}
