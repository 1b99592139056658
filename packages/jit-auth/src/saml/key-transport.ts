import {
  type AllowedAlgorithms,
  MGF1_SHA1,
  OAEP_HASHES,
  type OaepHash,
  RSA_OAEP,
  RSA_OAEP_11,
  requireAllowed,
  SHA1,
} from './algorithms.ts';
import {
  type Element,
  isNamed,
  malformed,
  requireAttribute,
  SIGNATURE_NS,
  textOf,
} from './element.ts';
import { SamlRefusal } from './refusal.ts';

/** How a content key was encrypted for us. */
export interface KeyTransport {
  /** Its identifier. */
  readonly keyTransport: string;
  /** Hash of the OAEP padding, in its digest and in its mask alike; null for another padding. */
  readonly oaepHash: OaepHash | null;
}

/** Namespace of XML Encryption (XML Encryption 1.1 §1.3). */
export const ENCRYPTION_NS = 'http://www.w3.org/2001/04/xmlenc#';
/** Namespace of what XML Encryption 1.1 added (XML Encryption 1.1 §1.3). */
export const ENCRYPTION_11_NS = 'http://www.w3.org/2009/xmlenc11#';

/**
 * Reads the EncryptionMethod of an EncryptedKey (XML Encryption 1.1 §5.5.2). Digest and
 * mask are of one hash, and there is no label. Throws `saml.algorithm_not_allowed`,
 * `saml.malformed`.
 */
export function readKeyTransport(method: Element, allowed: AllowedAlgorithms): KeyTransport {
  const keyTransport = requireAllowed(requireAttribute(method, 'Algorithm'), allowed.keyTransport);
  const { digest, mask, label } = readParameters(method);
  if (keyTransport === RSA_OAEP_11) {
    if (label !== null && textOf(label).trim() !== '') throw malformed('no label', 'OAEPparams');
    return { keyTransport, oaepHash: requireOneHash(digest ?? SHA1, mask ?? MGF1_SHA1) };
  }
  // The identifier says which mask it is.
  if (mask !== null) throw notAllowed('no MGF', mask);
  if (label !== null) throw malformed('at most DigestMethod', label.name);
  // RSA 1.5 has no use for a digest; some write it all the same.
  if (digest !== null) requireAllowed(digest, [SHA1]);
  return { keyTransport, oaepHash: keyTransport === RSA_OAEP ? 'sha1' : null };
}

interface Parameters {
  /** Identifiers; null where none is named. */
  readonly digest: string | null;
  readonly mask: string | null;
  readonly label: Element | null;
}

/** Each is there once at most, in whichever order, and nothing else is. */
function readParameters(method: Element): Parameters {
  if (method.text.trim() !== '') throw malformed('no text in EncryptionMethod', 'text');
  const take = (namespace: string, name: string) => {
    const [found, more] = method.children.filter((child) => isNamed(child, namespace, name));
    if (more !== undefined) throw malformed(`one ${name}`, 'several');
    return found ?? null;
  };
  const digest = take(SIGNATURE_NS, 'DigestMethod');
  const mask = take(ENCRYPTION_11_NS, 'MGF');
  const label = take(ENCRYPTION_NS, 'OAEPparams');
  const known = [digest, mask, label].filter((part) => part !== null);
  if (known.length !== method.children.length) throw malformed('parameters of OAEP', 'others');
  return { digest: algorithmOf(digest), mask: algorithmOf(mask), label };
}

function algorithmOf(element: Element | null): string | null {
  if (element === null) return null;
  if (textOf(element).trim() !== '') throw malformed(`no text in ${element.name}`, 'text');
  return requireAttribute(element, 'Algorithm');
}

function requireOneHash(digest: string, mask: string): OaepHash {
  const digests = OAEP_HASHES.map((known) => known.digest);
  const found = OAEP_HASHES.find((known) => known.digest === requireAllowed(digest, digests));
  if (found?.mask === mask) return found.hash;
  throw notAllowed(found?.mask ?? '', mask);
}

function notAllowed(expected: string, received: string): SamlRefusal {
  return new SamlRefusal('saml.algorithm_not_allowed', { expected, received });
}
