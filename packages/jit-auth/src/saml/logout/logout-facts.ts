import { readNameIdElement } from '../assertion-facts.ts';
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
} from '../element.ts';
import { type IssuerFacts, readId, readIssuer } from '../message-parts.ts';
import { readStatusCodes } from '../response-facts.ts';
import type { NameId } from '../verified-assertion.ts';

/** What both logout messages say of themselves (SAML Core §3.2.1, §3.2.2). */
export interface LogoutHead {
  readonly id: string;
  readonly version: string;
  /** xs:dateTime, as written; so are all other instants here. */
  readonly issueInstant: string;
  readonly destination: string | null;
  readonly issuer: IssuerFacts | null;
}

/** A LogoutRequest (SAML Core §3.7.1), before anything of it is believed. */
export interface LogoutRequestFacts extends LogoutHead {
  readonly kind: 'request';
  readonly notOnOrAfter: string | null;
  readonly nameId: NameId | null;
  /** Empty: every session of the NameID. */
  readonly sessionIndexes: readonly string[];
}

/** A LogoutResponse (SAML Core §3.7.2), before anything of it is believed. */
export interface LogoutResponseFacts extends LogoutHead {
  readonly kind: 'response';
  readonly inResponseTo: string | null;
  /** Outermost first; never empty. */
  readonly statusCodes: readonly string[];
}

/** Either message. */
export type LogoutFacts = LogoutRequestFacts | LogoutResponseFacts;

/** More are meant to keep somebody busy. */
const MAX_INDEXES = 100;

/**
 * Reads a logout message. Whatever the schema does not allow is refused.
 * Throws `saml.malformed`, `saml.logout_encrypted_id`.
 */
export function readLogoutMessage(root: Element): LogoutFacts {
  if (isNamed(root, PROTOCOL_NS, 'LogoutRequest')) return readRequest(root);
  if (isNamed(root, PROTOCOL_NS, 'LogoutResponse')) return readResponse(root);
  throw malformed(
    `LogoutRequest or LogoutResponse in ${PROTOCOL_NS}`,
    `${root.name} in ${root.namespace}`,
  );
}

function readRequest(root: Element): LogoutRequestFacts {
  requireKnownChildren(root, {
    [ASSERTION_NS]: ['Issuer', 'NameID', 'BaseID'],
    [PROTOCOL_NS]: ['Extensions', 'SessionIndex'],
    [SIGNATURE_NS]: ['Signature'],
  });
  const nameId = onlyChild(root, ASSERTION_NS, 'NameID');
  const indexes = childrenOf(root, PROTOCOL_NS, 'SessionIndex').map(textOf);
  if (indexes.length > MAX_INDEXES) {
    throw malformed(`at most ${MAX_INDEXES} SessionIndex`, `${indexes.length}`);
  }
  // An empty one would be no index, which means every session.
  if (indexes.includes('')) throw malformed('SessionIndex with text', 'an empty one');
  return {
    kind: 'request',
    ...readHead(root),
    notOnOrAfter: attributeOf(root, 'NotOnOrAfter'),
    nameId: nameId === null ? null : readNameIdElement(nameId),
    sessionIndexes: indexes,
  };
}

function readResponse(root: Element): LogoutResponseFacts {
  requireKnownChildren(root, {
    [ASSERTION_NS]: ['Issuer'],
    [PROTOCOL_NS]: ['Extensions', 'Status'],
    [SIGNATURE_NS]: ['Signature'],
  });
  return {
    kind: 'response',
    ...readHead(root),
    inResponseTo: attributeOf(root, 'InResponseTo'),
    statusCodes: readStatusCodes(requireChild(root, PROTOCOL_NS, 'Status')),
  };
}

function readHead(root: Element): LogoutHead {
  const issuer = onlyChild(root, ASSERTION_NS, 'Issuer');
  return {
    id: readId(root),
    version: requireAttribute(root, 'Version'),
    issueInstant: requireAttribute(root, 'IssueInstant'),
    destination: attributeOf(root, 'Destination'),
    issuer: issuer === null ? null : readIssuer(issuer),
  };
}
