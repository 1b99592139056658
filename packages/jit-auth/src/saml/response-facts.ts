import { type AssertionFacts, readAssertion } from './assertion-facts.ts';
import {
  ASSERTION_NS,
  attributeOf,
  childrenOf,
  type Element,
  isNamed,
  malformed,
  onlyChild,
  PROTOCOL_NS,
  requireAttribute,
  requireChild,
  requireKnownChildren,
  SIGNATURE_NS,
  textOf,
} from './element.ts';
import { type IssuerFacts, readId, readIssuer } from './message-parts.ts';
import { SamlRefusal } from './refusal.ts';

/** What a Response says of itself (SAML Core §3.2.2), before anything is believed. */
export interface EnvelopeFacts {
  readonly id: string;
  readonly version: string;
  /** xs:dateTime, as written. */
  readonly issueInstant: string;
  readonly destination: string | null;
  readonly inResponseTo: string | null;
  readonly issuer: IssuerFacts | null;
  /** Outermost first; never empty. */
  readonly statusCodes: readonly string[];
  readonly statusMessage: string | null;
}

/** Which bytes a pinned key has signed. */
export interface SignedParts {
  readonly response: boolean;
  readonly assertion: boolean;
}

/** Everything that the checks of `conditions.ts` look at: plain data, no XML. */
export interface ResponseFacts {
  /** Under the signature only where {@link SignedParts.response} says so. */
  readonly envelope: EnvelopeFacts;
  /** Always read from signed bytes. */
  readonly assertion: AssertionFacts;
  readonly signed: SignedParts;
}

const DEEPEST_STATUS = 5;

/**
 * Reads what a Response says of itself.
 * Throws `saml.malformed`.
 */
export function readEnvelope(root: Element): EnvelopeFacts {
  if (!isNamed(root, PROTOCOL_NS, 'Response')) {
    throw malformed(`Response in ${PROTOCOL_NS}`, `${root.name} in ${root.namespace}`);
  }
  requireKnownChildren(root, {
    [ASSERTION_NS]: ['Issuer', 'Assertion', 'EncryptedAssertion'],
    [PROTOCOL_NS]: ['Extensions', 'Status'],
    [SIGNATURE_NS]: ['Signature'],
  });
  const issuer = onlyChild(root, ASSERTION_NS, 'Issuer');
  const status = requireChild(root, PROTOCOL_NS, 'Status');
  const message = onlyChild(status, PROTOCOL_NS, 'StatusMessage');
  return {
    id: readId(root),
    version: requireAttribute(root, 'Version'),
    issueInstant: requireAttribute(root, 'IssueInstant'),
    destination: attributeOf(root, 'Destination'),
    inResponseTo: attributeOf(root, 'InResponseTo'),
    issuer: issuer === null ? null : readIssuer(issuer),
    statusCodes: readStatusCodes(status),
    statusMessage: message === null ? null : textOf(message),
  };
}

/**
 * Reads the only assertion of a Response, or null where there is none.
 * Throws `saml.malformed`.
 */
export function readOnlyAssertion(root: Element): AssertionFacts | null {
  const assertion = onlyChild(root, ASSERTION_NS, 'Assertion');
  return assertion === null ? null : readAssertion(assertion);
}

/** SAML Core §3.2.2.2: codes are nested, the outermost first. Throws `saml.malformed`. */
export function readStatusCodes(status: Element): readonly string[] {
  const codes: string[] = [];
  let code: Element | null = requireChild(status, PROTOCOL_NS, 'StatusCode');
  while (code !== null) {
    codes.push(requireAttribute(code, 'Value'));
    if (codes.length > DEEPEST_STATUS) throw malformed(`${DEEPEST_STATUS} status codes`, 'more');
    const inner: readonly Element[] = childrenOf(code, PROTOCOL_NS, 'StatusCode');
    if (inner.length > 1) throw malformed('one StatusCode in StatusCode', `${inner.length}`);
    code = inner[0] ?? null;
  }
  return codes;
}

/** Throws `saml.signature_missing` where what has to be signed is not. */
export function requireSigned(
  signed: SignedParts,
  wanted: 'assertion' | 'response' | 'both',
): void {
  const missing =
    (wanted !== 'response' && !signed.assertion) || (wanted !== 'assertion' && !signed.response);
  if (!missing) return;
  const received = Object.entries(signed).filter(([, is]) => is);
  throw new SamlRefusal('saml.signature_missing', {
    expected: wanted,
    received: received.map(([name]) => name).join(', ') || 'none',
  });
}
