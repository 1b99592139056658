import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { AssertionFacts, AuthnFacts, ConfirmationFacts } from './assertion-facts.ts';
import { parseInstant } from './instant.ts';
import type { IssuerFacts } from './message-parts.ts';
import { type RefusalDetail, SamlRefusal, type SamlRefusalCode } from './refusal.ts';
import type { EnvelopeFacts, ResponseFacts } from './response-facts.ts';
import type { NameId } from './verified-assertion.ts';

/** What a response must say to be the answer to one request of one connection. */
export interface Expectations {
  /** Entity id of the identity provider. */
  readonly issuer: string;
  /** Entity id of this service for the connection. */
  readonly audience: string;
  /** Address to which the response was posted. */
  readonly acsUrl: string;
  /** What it answers; null where nobody asked. */
  readonly request: { readonly id: string; readonly at: EpochMs } | null;
  /** The request said ForceAuthn: a sign-in that is older than it does not answer it. */
  readonly forceAuthn: boolean;
  /** Classes of authentication that count, as the request named them; empty: all. */
  readonly authnContext: readonly string[];
  /** How far the clocks may differ, in milliseconds. */
  readonly clockSkewMs: number;
}

/** What later steps need of a response that passed. */
export interface CheckedResponse {
  readonly nameId: NameId;
  readonly issuedAt: EpochMs;
  readonly authnInstant: EpochMs;
  readonly sessionIndex: string | null;
  readonly sessionNotOnOrAfter: EpochMs | null;
  /** From here on the same assertion would be refused for its age alone. */
  readonly usableUntil: EpochMs;
}

/**
 * How old an assertion may be, in milliseconds. A browser carries it over in
 * seconds; this, and not the provider's own window, bounds what a stolen one is worth.
 */
export const MAX_ASSERTION_AGE_MS = 10 * 60_000;
/**
 * The longest validity that is taken for meant, in milliseconds from IssueInstant.
 * Entra sends 70 minutes unless told otherwise, AD FS 60, the others 5.
 */
export const MAX_WINDOW_MS = 2 * 60 * 60_000;

const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success';
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const ENTITY = 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity';

/** What time it is, and how far other clocks may be off, in milliseconds. */
export interface Clock {
  readonly now: EpochMs;
  readonly skewMs: number;
}

/**
 * Checks everything that SAML Profiles §4.1.4 and SAML Core §2.5.1 ask of a
 * response, whose signatures have been verified before. Pure: refuses by
 * throwing a {@link SamlRefusal}, each check with its own code.
 */
export function checkResponse(
  facts: ResponseFacts,
  expected: Expectations,
  now: EpochMs,
): CheckedResponse {
  const clock = { now, skewMs: expected.clockSkewMs };
  const { assertion } = facts;
  checkEnvelope(facts, expected, clock);
  checkVersion(assertion.version, 'Assertion');
  checkIssuer(assertion.issuer, expected.issuer, 'Assertion');
  const issuedAt = checkIssueInstant(assertion.issueInstant, clock);
  const confirmedUntil = checkConfirmation(assertion, expected, issuedAt, clock);
  const validUntil = checkConditions(assertion, expected, issuedAt, clock);
  const authn = checkAuthn(assertion, expected, clock);
  const lastMoment = Math.min(confirmedUntil, validUntil, issuedAt + MAX_ASSERTION_AGE_MS);
  return {
    nameId: checkNameId(assertion.nameId),
    issuedAt,
    ...authn,
    usableUntil: after(lastMoment as EpochMs, clock.skewMs),
  };
}

/** A response without an assertion says why: for the log, as nobody has signed it. */
export function checkStatus(envelope: Pick<EnvelopeFacts, 'statusCodes' | 'statusMessage'>): void {
  const [status] = envelope.statusCodes;
  if (status === SUCCESS) return;
  throw refusal('saml.status_not_success', {
    expected: SUCCESS,
    received: envelope.statusCodes,
    message: envelope.statusMessage?.slice(0, 300) ?? null,
  });
}

function checkEnvelope(facts: ResponseFacts, expected: Expectations, clock: Clock): void {
  const { envelope, signed } = facts;
  checkVersion(envelope.version, 'Response');
  checkStatus(envelope);
  // SAML Profiles §4.1.4.2: may be left out only where the response is not signed.
  if (envelope.issuer !== null || signed.response) {
    checkIssuer(envelope.issuer, expected.issuer, 'Response');
  }
  checkIssueInstant(envelope.issueInstant, clock);
  // SAML Bindings §3.5.5.2: must be there where the response is signed.
  const { destination } = envelope;
  if (destination !== expected.acsUrl && (destination !== null || signed.response)) {
    throw refusal('saml.destination_mismatch', {
      expected: expected.acsUrl,
      received: destination,
    });
  }
  checkInResponseTo(envelope.inResponseTo, expected, 'Response');
}

/** Throws `saml.version_mismatch`. */
export function checkVersion(received: string, of: string): void {
  if (received !== '2.0') throw refusal('saml.version_mismatch', { expected: '2.0', received, of });
}

/** SAML Core §2.2.5, §8.3.6: an entity id, byte for byte. Throws `saml.issuer_mismatch`. */
export function checkIssuer(issuer: IssuerFacts | null, expected: string, of: string): void {
  const format = issuer?.format ?? ENTITY;
  if (issuer?.value === expected && format === ENTITY) return;
  throw refusal('saml.issuer_mismatch', { expected, received: issuer?.value ?? null, format, of });
}

function checkInResponseTo(received: string | null, expected: Expectations, of: string): void {
  const id = expected.request?.id ?? null;
  if (received === id) return;
  throw refusal('saml.in_response_to_mismatch', { expected: id ?? 'none', received, of });
}

/** Not from the future, and not old. Throws `saml.issued_in_future`, `saml.too_old`, `saml.bad_instant`. */
export function checkIssueInstant(text: string, clock: Clock): EpochMs {
  const at = readInstant(text, 'IssueInstant');
  if (at > clock.now + clock.skewMs) {
    throw refusal('saml.issued_in_future', timeDetail('not after', clock, text));
  }
  if (at + MAX_ASSERTION_AGE_MS + clock.skewMs <= clock.now) {
    throw refusal(
      'saml.too_old',
      timeDetail(`at most ${MAX_ASSERTION_AGE_MS} ms before`, clock, text),
    );
  }
  return at;
}

function checkNameId(nameId: NameId | null): NameId {
  if (nameId !== null && nameId.value !== '') return nameId;
  const received = nameId === null ? 'none' : 'an empty one';
  throw refusal('saml.name_id_missing', { expected: 'NameID', received });
}

/** SAML Profiles §4.1.4.3. Returns when the confirmation ends. */
function checkConfirmation(
  assertion: AssertionFacts,
  expected: Expectations,
  issuedAt: EpochMs,
  clock: Clock,
): EpochMs {
  const confirmation = requireOneBearer(assertion.confirmations);
  if (confirmation.recipient !== expected.acsUrl) {
    throw refusal('saml.recipient_mismatch', {
      expected: expected.acsUrl,
      received: confirmation.recipient,
    });
  }
  checkInResponseTo(confirmation.inResponseTo, expected, 'SubjectConfirmationData');
  if (confirmation.notBefore !== null) {
    throw refusal('saml.confirmation_not_before', {
      expected: 'no NotBefore for a bearer',
      received: confirmation.notBefore,
    });
  }
  return checkEnd(confirmation.notOnOrAfter, 'saml.confirmation_expired', issuedAt, clock);
}

function requireOneBearer(confirmations: readonly ConfirmationFacts[]): ConfirmationFacts {
  const [first, second] = confirmations;
  if (first?.method === BEARER && second === undefined) return first;
  throw refusal('saml.subject_not_confirmed', {
    expected: `one SubjectConfirmation, ${BEARER}`,
    received: confirmations.map((confirmation) => confirmation.method),
  });
}

/** SAML Core §2.5.1. Returns when the conditions end. */
function checkConditions(
  assertion: AssertionFacts,
  expected: Expectations,
  issuedAt: EpochMs,
  clock: Clock,
): EpochMs {
  const { conditions } = assertion;
  if (conditions === null) {
    throw refusal('saml.conditions_missing', { expected: 'Conditions', received: 'none' });
  }
  if (conditions.unknown.length > 0) {
    throw refusal('saml.condition_unknown', {
      expected: 'conditions of SAML 2.0',
      received: conditions.unknown,
    });
  }
  if (conditions.notBefore !== null) {
    const notBefore = readInstant(conditions.notBefore, 'NotBefore');
    if (notBefore > clock.now + clock.skewMs) {
      throw refusal('saml.not_yet_valid', timeDetail('not after', clock, conditions.notBefore));
    }
  }
  const end = checkEnd(conditions.notOnOrAfter, 'saml.expired', issuedAt, clock);
  checkAudience(conditions.audienceRestrictions, expected.audience);
  return end;
}

/** SAML Core §2.5.1.4: each restriction must name this service, and there must be one. */
function checkAudience(restrictions: readonly (readonly string[])[], expected: string): void {
  const holds = restrictions.every((audiences) => audiences.includes(expected));
  if (holds && restrictions.length > 0) return;
  throw refusal('saml.audience_mismatch', { expected, received: restrictions.flat() });
}

/** An end must be there, lie ahead, and not so far ahead that nobody can have meant it. */
function checkEnd(
  text: string | null,
  code: 'saml.expired' | 'saml.confirmation_expired',
  issuedAt: EpochMs,
  clock: Clock,
): EpochMs {
  if (text === null) throw refusal(code, timeDetail('NotOnOrAfter after', clock, 'none'));
  const end = readInstant(text, 'NotOnOrAfter');
  if (end + clock.skewMs <= clock.now) throw refusal(code, timeDetail('after', clock, text));
  if (end - issuedAt > MAX_WINDOW_MS) {
    throw refusal('saml.window_too_long', {
      expected: `at most ${MAX_WINDOW_MS} ms after IssueInstant`,
      received: `${end - issuedAt} ms`,
    });
  }
  return end;
}

type CheckedAuthn = Pick<CheckedResponse, 'authnInstant' | 'sessionIndex' | 'sessionNotOnOrAfter'>;

/** SAML Core §2.7.2. */
function checkAuthn(assertion: AssertionFacts, expected: Expectations, clock: Clock): CheckedAuthn {
  const statement = requireOneStatement(assertion.authnStatements);
  const authnInstant = readInstant(statement.authnInstant, 'AuthnInstant');
  if (authnInstant > clock.now + clock.skewMs) {
    throw refusal('saml.authn_in_future', timeDetail('not after', clock, statement.authnInstant));
  }
  checkFreshness(statement, authnInstant, expected, clock);
  checkContext(statement, expected.authnContext);
  const { sessionIndex, sessionNotOnOrAfter: end } = statement;
  if (end === null) return { authnInstant, sessionIndex, sessionNotOnOrAfter: null };
  const sessionNotOnOrAfter = readInstant(end, 'SessionNotOnOrAfter');
  // Without skew: a session that has ended is not one to begin.
  if (sessionNotOnOrAfter <= clock.now) {
    throw refusal('saml.session_expired', timeDetail('after', clock, end));
  }
  return { authnInstant, sessionIndex, sessionNotOnOrAfter };
}

/** SAML Core §3.4.1: who was asked to sign in again has done so after the request. */
function checkFreshness(
  { authnInstant }: AuthnFacts,
  at: EpochMs,
  { forceAuthn, request }: Expectations,
  clock: Clock,
): void {
  if (!forceAuthn) return;
  // Where nobody asked, nothing is fresh.
  if (request !== null && at + clock.skewMs >= request.at) return;
  const asked = { ...clock, now: request?.at ?? clock.now };
  throw refusal('saml.authn_too_old', timeDetail('not before', asked, authnInstant));
}

/** SAML Core §3.3.2.2.1: with Comparison `exact`, one of the classes that were asked for. */
function checkContext({ contextClass }: AuthnFacts, wanted: readonly string[]): void {
  if (wanted.length === 0 || (contextClass !== null && wanted.includes(contextClass))) return;
  throw refusal('saml.authn_context_mismatch', { expected: wanted, received: contextClass });
}

function requireOneStatement(statements: readonly AuthnFacts[]): AuthnFacts {
  const [first, second] = statements;
  if (first !== undefined && second === undefined) return first;
  throw refusal('saml.not_one_authn_statement', {
    expected: 'one AuthnStatement',
    received: statements.length,
  });
}

/** Throws `saml.bad_instant`. */
export function readInstant(text: string, name: string): EpochMs {
  const at = parseInstant(text);
  if (at !== null) return at;
  throw refusal('saml.bad_instant', { expected: `${name} as xs:dateTime in UTC`, received: text });
}

/** Times as milliseconds since 1970: pure code has no calendar. */
export function timeDetail(relation: string, clock: Clock, received: string): RefusalDetail {
  return { expected: `${relation} ${clock.now}`, received, clockSkewMs: clock.skewMs };
}

function refusal(code: SamlRefusalCode, detail: RefusalDetail): SamlRefusal {
  return new SamlRefusal(code, detail);
}
