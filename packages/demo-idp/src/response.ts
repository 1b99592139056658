import { SignedXml } from 'xml-crypto';
import { orUsual, renderAssertion, renderIssuer, renderTime, renderValue } from './assertion.ts';
import { DemoIdpError } from './errors.ts';
import { createId, SAML_ASSERTION_NS, SAML_PROTOCOL_NS, STATUS_SUCCESS } from './saml-names.ts';
import { escapeXml, renderElement, type XmlText } from './xml.ts';

const EXC_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';

/** Milliseconds since the epoch; a text is written as it is; null leaves the attribute out. */
export type TimeField = number | string | null;

/** The values of one attribute; null leaves the attribute out, an empty list leaves it without values. */
export type AttributeField = XmlText | readonly XmlText[] | null;

/**
 * What a Response says. Left undefined, a field has the value that a correct
 * IdP would give it; null leaves it out of the document.
 */
export interface ResponseInput {
  /** The time of the answer, milliseconds since the epoch; other times are counted from it. */
  readonly now: number;
  /** Entity id of the IdP, for both Issuers. */
  readonly issuer: string;
  /** Where the Response goes: Destination and Recipient. */
  readonly acsUrl: string;
  /** Entity ids for AudienceRestriction; null leaves the restriction out. */
  readonly audience: XmlText | readonly XmlText[] | null;
  readonly nameId: XmlText | null;
  readonly attributes: Readonly<Record<string, AttributeField>> | null;
  /** ID of the request, for the Response and its SubjectConfirmationData; null is an unsolicited answer. */
  readonly inResponseTo: string | null;

  readonly responseId?: string | null;
  readonly responseVersion?: string | null;
  readonly responseIssuer?: XmlText | null;
  readonly responseIssueInstant?: TimeField;
  readonly responseInResponseTo?: string | null;
  readonly destination?: string | null;
  /** A top-level status code; null leaves Status out (SAML Core §3.2.2.2). */
  readonly status?: string | null;
  readonly subStatus?: string;
  readonly statusMessage?: string;
  /** False for an answer that carries no assertion. */
  readonly assertion?: boolean;
  /** Markup after the assertion. */
  readonly extraResponseXml?: string;

  readonly assertionId?: string | null;
  readonly assertionVersion?: string | null;
  readonly assertionIssuer?: XmlText | null;
  readonly assertionIssueInstant?: TimeField;
  readonly nameIdFormat?: string | null;
  readonly nameQualifier?: string;
  readonly spNameQualifier?: string;
  /** False leaves Subject out. */
  readonly subject?: boolean;
  /** SubjectConfirmation method; null leaves the confirmation out. */
  readonly method?: string | null;
  readonly recipient?: string | null;
  readonly confirmationInResponseTo?: string | null;
  /** Left out by default: the profile forbids it (SAML Profiles §4.1.4.2). */
  readonly confirmationNotBefore?: TimeField;
  readonly confirmationNotOnOrAfter?: TimeField;
  /** False leaves Conditions out. */
  readonly conditions?: boolean;
  readonly notBefore?: TimeField;
  readonly notOnOrAfter?: TimeField;
  /** Markup inside Conditions, after the audience. */
  readonly extraConditionsXml?: string;
  /** False leaves AuthnStatement out. */
  readonly authnStatement?: boolean;
  readonly authnInstant?: TimeField;
  readonly sessionIndex?: string | null;
  readonly sessionNotOnOrAfter?: TimeField;
  readonly authnContext?: string;
  /** Markup at the end of the assertion. */
  readonly extraAssertionXml?: string;
}

/** What to sign, and how. Algorithms are XML Signature URIs. */
export interface SigningOptions {
  /** `both` signs the assertion first and the Response around it. */
  readonly sign: 'assertion' | 'response' | 'both';
  /** Private key, PEM. */
  readonly key: string;
  /** Certificate for KeyInfo, PEM; null leaves KeyInfo out. */
  readonly certificate: string | null;
  readonly signatureAlgorithm?: string;
  readonly digestAlgorithm?: string;
}

/** Writes an unsigned samlp:Response (SAML Core §3.3.3), with exactly the faults it is asked for. */
export function buildResponse(input: ResponseInput): string {
  const inResponseTo = orUsual(input.responseInResponseTo, input.inResponseTo);
  const attributes = {
    'xmlns:samlp': SAML_PROTOCOL_NS,
    'xmlns:saml': SAML_ASSERTION_NS,
    ID: renderValue(input.responseId, createId()),
    Version: renderValue(input.responseVersion, '2.0'),
    IssueInstant: renderTime(input.responseIssueInstant, input.now),
    Destination: renderValue(input.destination, input.acsUrl),
    InResponseTo: inResponseTo ?? undefined,
  };
  const content =
    renderIssuer(orUsual(input.responseIssuer, input.issuer)) +
    renderStatus(input) +
    (input.assertion === false ? '' : renderAssertion(input)) +
    (input.extraResponseXml ?? '');
  return renderElement('samlp:Response', attributes, content);
}

/**
 * Signs elements of a Response, or a bare Assertion, in place: an enveloped
 * signature with exclusive canonicalization, after the Issuer (SAML Core §5.4).
 * Only the first assertion is signed where there are several.
 *
 * @throws DemoIdpError `demo_idp.nothing_to_sign` where that element is missing
 */
export function signXml(xml: string, options: SigningOptions): string {
  const assertion = `(//*[local-name(.)='Assertion' and namespace-uri(.)='${SAML_ASSERTION_NS}'])[1]`;
  const response = `/*[local-name(.)='Response' and namespace-uri(.)='${SAML_PROTOCOL_NS}']`;
  const inner = options.sign === 'response' ? xml : signElement(xml, assertion, options);
  return options.sign === 'assertion' ? inner : signElement(inner, response, options);
}

function signElement(xml: string, element: string, options: SigningOptions): string {
  const signer = new SignedXml({
    privateKey: options.key,
    ...(options.certificate === null ? {} : { publicCert: options.certificate }),
    canonicalizationAlgorithm: EXC_C14N,
    signatureAlgorithm:
      options.signatureAlgorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  });
  signer.addReference({
    xpath: element,
    transforms: [ENVELOPED, EXC_C14N],
    digestAlgorithm: options.digestAlgorithm ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  // Before the first child that is no Issuer: after it in a whole document, first where it was left out.
  const location = {
    reference: `${element}/*[not(local-name(.)='Issuer')][1]`,
    action: 'before',
  } as const;
  try {
    signer.computeSignature(xml, { prefix: 'ds', location });
  } catch (cause) {
    throw new DemoIdpError(
      'demo_idp.nothing_to_sign',
      `Cannot sign ${options.sign}: expected that element with some content in the document.`,
      cause,
    );
  }
  return signer.getSignedXml();
}

/** Status comes before the assertion, with its second code inside the first (SAML Core §3.2.2). */
function renderStatus(input: ResponseInput): string {
  const top = orUsual(input.status, STATUS_SUCCESS);
  if (top === null) return '';
  const sub =
    input.subStatus === undefined
      ? ''
      : renderElement('samlp:StatusCode', { Value: input.subStatus }, '');
  const message =
    input.statusMessage === undefined
      ? ''
      : renderElement('samlp:StatusMessage', {}, escapeXml(input.statusMessage));
  const code = renderElement('samlp:StatusCode', { Value: top }, sub);
  return renderElement('samlp:Status', {}, code + message);
}
