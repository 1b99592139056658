import { type XmlDocument, XmlElement } from 'libxml2-wasm';
import type { AllowedAlgorithms } from '../algorithms.ts';
import { SIGNATURE_NS } from '../element.ts';
import { verifyEnveloped } from '../enveloped-signature.ts';
import { parseWithLibxml, withLibxmlDocument } from '../libxml-element.ts';
import { checkLogoutText, decodePosted, type PostedForm } from '../raw-response.ts';
import { refuse, SamlRefusal } from '../refusal.ts';
import { extentOf, requireLittleUnsigned } from '../unsigned-part.ts';
import { requireWellFormed } from '../well-formed.ts';
import { type LogoutFacts, readLogoutMessage } from './logout-facts.ts';
import { MAX_LOGOUT_BYTES, type MessageName, type QueryTerms } from './redirect-query.ts';

/** A message of the POST binding as it came, and not yet believed in any respect. */
export interface PostedMessage {
  readonly name: MessageName;
  readonly xml: string;
  readonly relayState: string | null;
}

/** What a posted message says in the bytes that a pinned key has signed. */
export interface PostedVerdict {
  readonly facts: LogoutFacts;
  /** Certificate of the key, PEM. */
  readonly signedBy: string;
}

/**
 * Takes the one message out of a posted form (SAML Bindings §3.5.4) and checks its text.
 * Throws a {@link SamlRefusal}.
 */
export function readPostedMessage(form: PostedForm, allowed: AllowedAlgorithms): PostedMessage {
  const [name, second] = (['SAMLRequest', 'SAMLResponse'] as const).filter((one) =>
    Object.hasOwn(form, one),
  );
  if (second !== undefined) {
    throw refuse('saml.logout_query_malformed', 'SAMLRequest or SAMLResponse', 'both');
  }
  const encoded = name === undefined ? undefined : form[name];
  if (Array.isArray(encoded)) {
    throw refuse('saml.logout_query_malformed', `${name} once`, `${encoded.length} times`);
  }
  if (name === undefined || typeof encoded !== 'string' || encoded === '') {
    throw refuse('saml.logout_message_missing', 'SAMLRequest or SAMLResponse', 'neither');
  }
  if (encoded.length > MAX_LOGOUT_BYTES * 1.5) {
    throw refuse('saml.too_large', `at most ${MAX_LOGOUT_BYTES} bytes`, 'more');
  }
  const xml = decodePosted(encoded);
  checkLogoutText(xml, allowed, 1);
  const relayState = Object.hasOwn(form, 'RelayState') ? form.RelayState : null;
  return { name, xml, relayState: typeof relayState === 'string' ? relayState : null };
}

/**
 * Verifies the signature over the message with libxml2 and node:crypto, and reads it from
 * the signed bytes alone. Throws a {@link SamlRefusal}.
 */
export function verifyPostedMessage(xml: string, terms: QueryTerms): PostedVerdict {
  return requireWellFormed(() =>
    withLibxmlDocument(xml, (document) => verifyDocument(document, xml, terms)),
  );
}

function verifyDocument(document: XmlDocument, xml: string, terms: QueryTerms): PostedVerdict {
  const { root } = document;
  const signatures = document
    .find("//*[local-name()='Signature']")
    .filter((node): node is XmlElement => node instanceof XmlElement);
  const [signature, second] = signatures;
  if (signature === undefined) throw refuse('saml.logout_not_signed', 'a Signature', 'none');
  const inPlace = signature.namespaceUri === SIGNATURE_NS && signature.parent?.isSameNode(root);
  if (second !== undefined || inPlace !== true) {
    throw refuse('saml.signature_malformed', 'one Signature, in the message itself', 'elsewhere');
  }
  const signed = verifyEnveloped(root, signature, terms.signingKeys, terms.allowed);
  requireLittleUnsigned(extentOf(xml), extentOf(signed.bytes.toString('utf8')));
  return {
    facts: readLogoutMessage(parseWithLibxml(signed.bytes)),
    signedBy: signed.certificate,
  };
}
