import { after, type EpochMs } from '@rollcall/shared/core/time';
import {
  type Clock,
  checkIssueInstant,
  checkIssuer,
  checkVersion,
  MAX_ASSERTION_AGE_MS,
  readInstant,
  timeDetail,
} from '../conditions.ts';
import { SamlRefusal } from '../refusal.ts';
import type { NameId } from '../verified-assertion.ts';
import type { LogoutFacts, LogoutRequestFacts, LogoutResponseFacts } from './logout-facts.ts';

/** What a logout message must say to be meant for us. */
export interface LogoutExpectations {
  /** Entity id of the identity provider. */
  readonly issuer: string;
  /** Our SingleLogoutService, to which the message was sent. */
  readonly sloUrl: string;
  /** How far the clocks may differ, in milliseconds. */
  readonly clockSkewMs: number;
}

/** What later steps need of a LogoutRequest that passed. */
export interface CheckedLogoutRequest {
  readonly id: string;
  readonly nameId: NameId;
  /** Empty: every session of the NameID. */
  readonly sessionIndexes: readonly string[];
  readonly issuedAt: EpochMs;
  /** From here on neither it, nor an assertion that it has overtaken, is accepted. */
  readonly rememberUntil: EpochMs;
}

/** The store has a clock of its own. */
const REMEMBER_BEYOND_MS = 5 * 60_000;

/**
 * Checks what SAML Core §3.7.1 and Profiles §4.4.4.1 ask of a LogoutRequest whose
 * signature has been verified before. Pure: refuses by throwing a {@link SamlRefusal}.
 */
export function checkLogoutRequest(
  facts: LogoutRequestFacts,
  expected: LogoutExpectations,
  now: EpochMs,
): CheckedLogoutRequest {
  const clock = { now, skewMs: expected.clockSkewMs };
  const issuedAt = checkHead(facts, expected, clock);
  if (facts.notOnOrAfter !== null) {
    const end = readInstant(facts.notOnOrAfter, 'NotOnOrAfter');
    if (end + clock.skewMs <= now) {
      throw new SamlRefusal('saml.logout_expired', timeDetail('after', clock, facts.notOnOrAfter));
    }
  }
  if (facts.nameId === null || facts.nameId.value === '') {
    throw new SamlRefusal('saml.name_id_missing', { expected: 'NameID', received: 'none' });
  }
  const lastMoment = after(issuedAt, MAX_ASSERTION_AGE_MS + 2 * clock.skewMs + REMEMBER_BEYOND_MS);
  const { id, nameId, sessionIndexes } = facts;
  return { id, nameId, sessionIndexes, issuedAt, rememberUntil: lastMoment };
}

/**
 * Checks what SAML Core §3.7.2 and Profiles §4.4.4.2 ask of a LogoutResponse, apart from
 * the request that it answers. Pure, as {@link checkLogoutRequest}.
 */
export function checkLogoutResponse(
  facts: LogoutResponseFacts,
  expected: LogoutExpectations,
  now: EpochMs,
): void {
  checkHead(facts, expected, { now, skewMs: expected.clockSkewMs });
}

function checkHead(facts: LogoutFacts, expected: LogoutExpectations, clock: Clock): EpochMs {
  const message = facts.kind === 'request' ? 'LogoutRequest' : 'LogoutResponse';
  checkVersion(facts.version, message);
  checkIssuer(facts.issuer, expected.issuer, message);
  // SAML Bindings §3.4.5.2, §3.5.5.2: must be there, for the message is signed.
  if (facts.destination !== expected.sloUrl) {
    const detail = { expected: expected.sloUrl, received: facts.destination, of: message };
    throw new SamlRefusal('saml.destination_mismatch', detail);
  }
  return checkIssueInstant(facts.issueInstant, clock);
}
