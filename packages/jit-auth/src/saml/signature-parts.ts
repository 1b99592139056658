import { type AllowedAlgorithms, ENVELOPED, EXC_C14N, requireAllowed } from './algorithms.ts';
import {
  type Element,
  isNamed,
  requireAttribute,
  requireKnownChildren,
  SIGNATURE_NS,
  textOf,
} from './element.ts';
import { SamlRefusal } from './refusal.ts';

/** A Signature in the one shape that is accepted (SAML Core §5.4). */
export interface SignatureParts {
  /** ID that its only Reference names. */
  readonly referenceId: string;
  readonly signatureHash: Hash;
  readonly digestHash: Hash;
  readonly digestValue: Buffer;
  readonly signatureValue: Buffer;
  /** PrefixList of the canonicalization of SignedInfo and of the signed element. */
  readonly signedInfoPrefixes: readonly string[];
  readonly elementPrefixes: readonly string[];
}

type Hash = 'sha1' | 'sha256' | 'sha512';

/** Providers name one or two, for types. A canonicalizer looks up each of them at each element. */
const MAX_PREFIXES = 20;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Reads a Signature: one SignedInfo, one Reference to an ID, an enveloped
 * signature under exclusive canonicalization, and nothing beside it. KeyInfo is
 * not even looked at. Throws `saml.signature_malformed`, `saml.algorithm_not_allowed`.
 */
export function readSignature(signature: Element, allowed: AllowedAlgorithms): SignatureParts {
  const [signedInfo, value, keyInfo, more] = signature.children;
  if (!isSignatureElement(signedInfo, 'SignedInfo')) throw malformed('SignedInfo first');
  if (!isSignatureElement(value, 'SignatureValue')) throw malformed('then SignatureValue');
  if (keyInfo !== undefined && !isSignatureElement(keyInfo, 'KeyInfo')) throw malformed('KeyInfo');
  if (more !== undefined) throw malformed('nothing after KeyInfo');
  requireKnownChildren(signature, { [SIGNATURE_NS]: ['SignedInfo', 'SignatureValue', 'KeyInfo'] });
  return { ...readSignedInfo(signedInfo, allowed), signatureValue: readBase64(value) };
}

function readSignedInfo(
  signedInfo: Element,
  allowed: AllowedAlgorithms,
): Omit<SignatureParts, 'signatureValue'> {
  const [canonicalization, method, reference] = requireChildren(signedInfo, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ]);
  requireAlgorithm(canonicalization, allowed.canonicalization);
  requireNoChildren(method);
  const signatureHash = hashOf(requireAlgorithm(method, allowed.signature));
  const [transforms, digestMethod, digestValue] = requireChildren(reference, [
    'Transforms',
    'DigestMethod',
    'DigestValue',
  ]);
  requireNoChildren(digestMethod);
  return {
    referenceId: readReferenceId(reference),
    signatureHash,
    digestHash: hashOf(requireAlgorithm(digestMethod, allowed.digest)),
    digestValue: readBase64(digestValue),
    signedInfoPrefixes: readPrefixes(canonicalization),
    elementPrefixes: readTransforms(transforms),
  };
}

/** SAML Core §5.4.2: a same-document reference to the ID of the signed element. */
function readReferenceId(reference: Element): string {
  const uri = requireAttribute(reference, 'URI');
  if (!uri.startsWith('#') || uri.length === 1) throw malformed('URI="#ID"', uri);
  return uri.slice(1);
}

/** SAML Core §5.4.4: enveloped signature, then exclusive canonicalization. */
function readTransforms(transforms: Element): readonly string[] {
  const [enveloped, canonical] = requireChildren(transforms, ['Transform', 'Transform']);
  requireAlgorithm(enveloped, [ENVELOPED]);
  // xml-crypto writes its prefix list into every transform; here it means nothing.
  readPrefixes(enveloped, ENVELOPED);
  requireAlgorithm(canonical, [EXC_C14N]);
  return readPrefixes(canonical);
}

/** Exclusive XML Canonicalization §4: InclusiveNamespaces, where there is one. */
function readPrefixes(method: Element, namespace: string = EXC_C14N): readonly string[] {
  const [inclusive, more] = method.children;
  if (inclusive === undefined) return [];
  if (more !== undefined || !isNamed(inclusive, namespace, 'InclusiveNamespaces')) {
    throw malformed('at most InclusiveNamespaces', inclusive.name);
  }
  const prefixes = requireAttribute(inclusive, 'PrefixList').split(/\s+/).filter(Boolean);
  if (prefixes.length <= MAX_PREFIXES) return prefixes;
  throw malformed(`at most ${MAX_PREFIXES} prefixes in PrefixList`, `${prefixes.length}`);
}

function requireChildren<const Names extends readonly string[]>(
  parent: Element,
  names: Names,
): { [Index in keyof Names]: Element } {
  const found = parent.children;
  const fits = names.every((name, index) => isSignatureElement(found[index], name));
  if (!fits || found.length !== names.length) {
    const received = found.map((child) => child.name).join(', ');
    throw malformed(`${names.join(', ')} in ${parent.name}`, received);
  }
  return found as unknown as { [Index in keyof Names]: Element };
}

function requireNoChildren(element: Element): void {
  const [child] = element.children;
  if (child !== undefined) throw malformed(`an empty ${element.name}`, child.name);
}

function requireAlgorithm(element: Element, allowed: readonly string[]): string {
  return requireAllowed(requireAttribute(element, 'Algorithm'), allowed);
}

function hashOf(algorithm: string): Hash {
  if (algorithm.endsWith('sha1')) return 'sha1';
  return algorithm.endsWith('sha512') ? 'sha512' : 'sha256';
}

function readBase64(element: Element): Buffer {
  const text = textOf(element).replaceAll(/[ \t\r\n]/g, '');
  if (!BASE64.test(text)) throw malformed(`base64 in ${element.name}`, text.slice(0, 40));
  return Buffer.from(text, 'base64');
}

function isSignatureElement(element: Element | undefined, name: string): element is Element {
  return element !== undefined && isNamed(element, SIGNATURE_NS, name);
}

function malformed(expected: string, received = 'something else'): SamlRefusal {
  return new SamlRefusal('saml.signature_malformed', { expected, received });
}
