import type { AttributeField, ResponseInput, TimeField } from './response.ts';
import {
  AUTHN_CONTEXT_PASSWORD,
  createId,
  METHOD_BEARER,
  NAME_ID_PERSISTENT,
} from './saml-names.ts';
import { escapeXml, renderElement, renderText, type XmlText } from './xml.ts';

const ATTRIBUTE_NAME_BASIC = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';
const MINUTE = 60_000;

/** Allowance for a service provider whose clock is behind ours, in milliseconds. */
const SKEW = MINUTE;

/** How long an assertion may be used, in milliseconds. */
const ASSERTION_LIFE = 5 * MINUTE;

/** How long a session at the IdP lasts, in milliseconds. */
export const IDP_SESSION_LIFE = 8 * 60 * MINUTE;

/** The given value, null included; the usual one where nothing was given. */
export function orUsual<Value>(given: Value | undefined, usual: Value): Value {
  return given === undefined ? usual : given;
}

/** An attribute that null leaves out. */
export function renderValue(given: string | null | undefined, usual: string): string | undefined {
  return orUsual<string | null>(given, usual) ?? undefined;
}

/** A time as xs:dateTime in UTC (SAML Core §1.3.3); null leaves it out. */
export function renderTime(given: TimeField | undefined, usual: TimeField): string | undefined {
  const value = orUsual(given, usual);
  if (value === null) return undefined;
  return typeof value === 'string' ? value : new Date(value).toISOString();
}

/** An Issuer; null leaves it out. */
export function renderIssuer(issuer: XmlText | null): string {
  return issuer === null ? '' : renderElement('saml:Issuer', {}, renderText(issuer));
}

/** The children stand in the order that the schema wants (SAML Core §2.3.3). */
export function renderAssertion(input: ResponseInput): string {
  const attributes = {
    ID: renderValue(input.assertionId, createId()),
    Version: renderValue(input.assertionVersion, '2.0'),
    IssueInstant: renderTime(input.assertionIssueInstant, input.now),
  };
  const content =
    renderIssuer(orUsual(input.assertionIssuer, input.issuer)) +
    (input.subject === false ? '' : renderSubject(input)) +
    (input.conditions === false ? '' : renderConditions(input)) +
    (input.authnStatement === false ? '' : renderAuthnStatement(input)) +
    renderAttributeStatement(input) +
    (input.extraAssertionXml ?? '');
  return renderElement('saml:Assertion', attributes, content);
}

function renderSubject(input: ResponseInput): string {
  const nameIdAttributes = {
    Format: renderValue(input.nameIdFormat, NAME_ID_PERSISTENT),
    NameQualifier: input.nameQualifier,
    SPNameQualifier: input.spNameQualifier,
  };
  const nameId =
    input.nameId === null
      ? ''
      : renderElement('saml:NameID', nameIdAttributes, renderText(input.nameId));
  return renderElement('saml:Subject', {}, nameId + renderConfirmation(input));
}

function renderConfirmation(input: ResponseInput): string {
  const method = orUsual(input.method, METHOD_BEARER);
  if (method === null) return '';
  const inResponseTo = orUsual(input.confirmationInResponseTo, input.inResponseTo);
  const data = {
    NotBefore: renderTime(input.confirmationNotBefore, null),
    NotOnOrAfter: renderTime(input.confirmationNotOnOrAfter, input.now + ASSERTION_LIFE),
    Recipient: renderValue(input.recipient, input.acsUrl),
    InResponseTo: inResponseTo ?? undefined,
  };
  return renderElement(
    'saml:SubjectConfirmation',
    { Method: method },
    renderElement('saml:SubjectConfirmationData', data, ''),
  );
}

function renderConditions(input: ResponseInput): string {
  const window = {
    NotBefore: renderTime(input.notBefore, input.now - SKEW),
    NotOnOrAfter: renderTime(input.notOnOrAfter, input.now + ASSERTION_LIFE),
  };
  const audience =
    input.audience === null
      ? ''
      : renderElement(
          'saml:AudienceRestriction',
          {},
          asList(input.audience)
            .map((one) => renderElement('saml:Audience', {}, renderText(one)))
            .join(''),
        );
  return renderElement('saml:Conditions', window, audience + (input.extraConditionsXml ?? ''));
}

function renderAuthnStatement(input: ResponseInput): string {
  const attributes = {
    AuthnInstant: renderTime(input.authnInstant, input.now),
    SessionIndex: renderValue(input.sessionIndex, createId()),
    SessionNotOnOrAfter: renderTime(input.sessionNotOnOrAfter, input.now + IDP_SESSION_LIFE),
  };
  const context = renderElement(
    'saml:AuthnContextClassRef',
    {},
    escapeXml(input.authnContext ?? AUTHN_CONTEXT_PASSWORD),
  );
  const content = renderElement('saml:AuthnContext', {}, context);
  return renderElement('saml:AuthnStatement', attributes, content);
}

/** The schema has no empty AttributeStatement (SAML Core §2.7.3), so no attributes is no statement. */
function renderAttributeStatement(input: ResponseInput): string {
  const content = Object.entries(input.attributes ?? {})
    .map(([name, values]) => renderAttribute(name, values))
    .join('');
  return content === '' ? '' : renderElement('saml:AttributeStatement', {}, content);
}

function renderAttribute(name: string, values: AttributeField): string {
  if (values === null) return '';
  const content = asList(values)
    .map((value) => renderElement('saml:AttributeValue', {}, renderText(value)))
    .join('');
  return renderElement('saml:Attribute', { Name: name, NameFormat: ATTRIBUTE_NAME_BASIC }, content);
}

function asList(values: XmlText | readonly XmlText[]): readonly XmlText[] {
  return isList(values) ? values : [values];
}

function isList(values: XmlText | readonly XmlText[]): values is readonly XmlText[] {
  return Array.isArray(values);
}
