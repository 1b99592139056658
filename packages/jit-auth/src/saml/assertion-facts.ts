import {
  ASSERTION_NS,
  attributeKey,
  attributeOf,
  childrenOf,
  type Element,
  isNamed,
  malformed,
  onlyChild,
  requireAttribute,
  requireChild,
  requireKnownChildren,
  SCHEMA_INSTANCE_NS,
  SIGNATURE_NS,
  textOf,
} from './element.ts';
import { type IssuerFacts, readId, readIssuer } from './message-parts.ts';
import { SamlRefusal } from './refusal.ts';
import type { NameId } from './verified-assertion.ts';

/** What an assertion says (SAML Core §2.3.3), before anything of it is believed. */
export interface AssertionFacts {
  readonly id: string;
  readonly version: string;
  /** xs:dateTime, as written; so are all other instants here. */
  readonly issueInstant: string;
  readonly issuer: IssuerFacts;
  readonly nameId: NameId | null;
  readonly confirmations: readonly ConfirmationFacts[];
  readonly conditions: ConditionsFacts | null;
  readonly authnStatements: readonly AuthnFacts[];
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** How the bearer shows that the assertion is meant for them (SAML Core §2.4.1.1). */
export interface ConfirmationFacts {
  readonly method: string;
  readonly recipient: string | null;
  readonly notBefore: string | null;
  readonly notOnOrAfter: string | null;
  readonly inResponseTo: string | null;
}

/** SAML Core §2.5.1. */
export interface ConditionsFacts {
  readonly notBefore: string | null;
  readonly notOnOrAfter: string | null;
  /** One list for each AudienceRestriction: all of them must hold. */
  readonly audienceRestrictions: readonly (readonly string[])[];
  /** Conditions that this version does not know: they make an assertion indeterminate. */
  readonly unknown: readonly string[];
}

/** SAML Core §2.7.2. */
export interface AuthnFacts {
  readonly authnInstant: string;
  readonly sessionIndex: string | null;
  readonly sessionNotOnOrAfter: string | null;
  /** AuthnContextClassRef: how the person signed in. */
  readonly contextClass: string | null;
}

/**
 * Reads an assertion. Whatever the schema does not allow is refused.
 * Throws `saml.malformed`, `saml.encrypted_not_supported`.
 */
export function readAssertion(element: Element): AssertionFacts {
  if (!isNamed(element, ASSERTION_NS, 'Assertion')) {
    throw malformed(`Assertion in ${ASSERTION_NS}`, `${element.name} in ${element.namespace}`);
  }
  requireKnownChildren(element, {
    [ASSERTION_NS]: [
      'Issuer',
      'Subject',
      'Conditions',
      'Advice',
      'AuthnStatement',
      'AttributeStatement',
      'AuthzDecisionStatement',
    ],
    [SIGNATURE_NS]: ['Signature'],
  });
  const subject = onlyChild(element, ASSERTION_NS, 'Subject');
  const conditions = onlyChild(element, ASSERTION_NS, 'Conditions');
  return {
    id: readId(element),
    version: requireAttribute(element, 'Version'),
    issueInstant: requireAttribute(element, 'IssueInstant'),
    issuer: readIssuer(requireChild(element, ASSERTION_NS, 'Issuer')),
    nameId: subject === null ? null : readNameId(subject),
    confirmations: subject === null ? [] : readConfirmations(subject),
    conditions: conditions === null ? null : readConditions(conditions),
    authnStatements: childrenOf(element, ASSERTION_NS, 'AuthnStatement').map(readAuthn),
    attributes: readAttributes(element),
  };
}

function readNameId(subject: Element): NameId | null {
  requireKnownChildren(subject, {
    [ASSERTION_NS]: ['NameID', 'BaseID', 'EncryptedID', 'SubjectConfirmation'],
  });
  if (childrenOf(subject, ASSERTION_NS, 'EncryptedID').length > 0) throw encrypted('EncryptedID');
  const nameId = onlyChild(subject, ASSERTION_NS, 'NameID');
  return nameId === null ? null : readNameIdElement(nameId);
}

/** Reads a NameID (SAML Core §2.2.3). Throws `saml.malformed`. */
export function readNameIdElement(nameId: Element): NameId {
  return {
    value: textOf(nameId),
    format: attributeOf(nameId, 'Format'),
    nameQualifier: attributeOf(nameId, 'NameQualifier'),
    spNameQualifier: attributeOf(nameId, 'SPNameQualifier'),
  };
}

function readConfirmations(subject: Element): readonly ConfirmationFacts[] {
  return childrenOf(subject, ASSERTION_NS, 'SubjectConfirmation').map((confirmation) => {
    if (childrenOf(confirmation, ASSERTION_NS, 'EncryptedID').length > 0) {
      throw encrypted('EncryptedID');
    }
    const data = onlyChild(confirmation, ASSERTION_NS, 'SubjectConfirmationData');
    const read = (name: string) => (data === null ? null : attributeOf(data, name));
    return {
      method: requireAttribute(confirmation, 'Method'),
      recipient: read('Recipient'),
      notBefore: read('NotBefore'),
      notOnOrAfter: read('NotOnOrAfter'),
      inResponseTo: read('InResponseTo'),
    };
  });
}

function readConditions(conditions: Element): ConditionsFacts {
  const known = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
  // SAML Core §2.5.1.5, §2.5.1.6: at most one of each. Every assertion is used once
  // here, and none is made out of another: both are kept whatever they say.
  onlyChild(conditions, ASSERTION_NS, 'OneTimeUse');
  onlyChild(conditions, ASSERTION_NS, 'ProxyRestriction');
  const unknown = conditions.children.filter(
    (child) => child.namespace !== ASSERTION_NS || !known.includes(child.name),
  );
  return {
    notBefore: attributeOf(conditions, 'NotBefore'),
    notOnOrAfter: attributeOf(conditions, 'NotOnOrAfter'),
    audienceRestrictions: childrenOf(conditions, ASSERTION_NS, 'AudienceRestriction').map(
      (restriction) => childrenOf(restriction, ASSERTION_NS, 'Audience').map(textOf),
    ),
    unknown: unknown.map((child) => attributeKey(child.namespace, child.name)),
  };
}

function readAuthn(statement: Element): AuthnFacts {
  const context = onlyChild(statement, ASSERTION_NS, 'AuthnContext');
  const classRef =
    context === null ? null : onlyChild(context, ASSERTION_NS, 'AuthnContextClassRef');
  return {
    authnInstant: requireAttribute(statement, 'AuthnInstant'),
    sessionIndex: attributeOf(statement, 'SessionIndex'),
    sessionNotOnOrAfter: attributeOf(statement, 'SessionNotOnOrAfter'),
    contextClass: classRef === null ? null : textOf(classRef).trim(),
  };
}

/**
 * Attributes by name. One that is asserted several times keeps all its values.
 * One with a value that is more than text is left out as a whole: a part of its
 * values would look like all of them.
 */
function readAttributes(assertion: Element): ReadonlyMap<string, readonly string[]> {
  const attributes = new Map<string, string[]>();
  const structured = new Set<string>();
  for (const statement of childrenOf(assertion, ASSERTION_NS, 'AttributeStatement')) {
    requireKnownChildren(statement, { [ASSERTION_NS]: ['Attribute', 'EncryptedAttribute'] });
    if (childrenOf(statement, ASSERTION_NS, 'EncryptedAttribute').length > 0) {
      throw encrypted('EncryptedAttribute');
    }
    for (const attribute of childrenOf(statement, ASSERTION_NS, 'Attribute')) {
      const name = requireAttribute(attribute, 'Name');
      requireKnownChildren(attribute, { [ASSERTION_NS]: ['AttributeValue'] });
      const values = attribute.children.filter((value) => !isNil(value));
      if (values.some((value) => value.children.length > 0)) structured.add(name);
      const before = attributes.get(name) ?? [];
      attributes.set(name, [...before, ...values.map((value) => value.text)]);
    }
  }
  for (const name of structured) attributes.delete(name);
  return attributes;
}

/** SAML Core §2.7.3.1.1: a value that says that there is none. Throws `saml.malformed` where it has one. */
function isNil(value: Element): boolean {
  const nil = value.attributes.get(attributeKey(SCHEMA_INSTANCE_NS, 'nil'));
  if (nil !== 'true' && nil !== '1') return false;
  // Who overlooks the attribute would read what is in it.
  if (value.text === '' && value.children.length === 0) return true;
  throw malformed('nothing in a value that is nil', 'something');
}

function encrypted(received: string): SamlRefusal {
  return new SamlRefusal('saml.encrypted_not_supported', { expected: 'plain text', received });
}
