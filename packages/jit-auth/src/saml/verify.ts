import { after, type EpochMs } from '@rollcall/shared/core/time';
import { requireAgreement } from './agreement.ts';
import { takeAnsweredRequest } from './answered-request.ts';
import { type CheckedResponse, checkResponse } from './conditions.ts';
import { verifyFirst } from './first-verifier.ts';
import type { PendingRequest } from './pending-request.ts';
import { type PostedForm, readRawResponse } from './raw-response.ts';
import { SamlRefusal } from './refusal.ts';
import type { ReplayMemory } from './replay-memory.ts';
import type { ResponseFacts } from './response-facts.ts';
import type { SamlConnection } from './saml-connection.ts';
import { ON_THIS_THREAD, type SecondOpinion } from './second-opinion.ts';
import type { SecondReading } from './second-verifier.ts';
import { termsOf } from './verification-terms.ts';
import { claimMint, type VerifiedAssertion } from './verified-assertion.ts';

/** What a browser brought to the assertion consumer service. */
export interface PostedResponse {
  /** The parsed form: `SAMLResponse` and `RelayState`. */
  readonly form: PostedForm;
  /** Value of the cookie that was set when the request was made; null where none came. */
  readonly browser: string | null;
}

/** With what a response is verified. */
export interface VerifyDeps {
  readonly connection: SamlConnection;
  readonly memory: ReplayMemory;
  /** Where the second verifier is asked; on this thread where left out. */
  readonly second?: SecondOpinion;
  readonly now: EpochMs;
}

/** A sign-in that the identity provider vouches for. */
export interface VerifiedSignIn {
  readonly assertion: VerifiedAssertion;
  /** The local path that was asked for. */
  readonly returnTo: string;
  /**
   * When the browser was sent to the identity provider, by our clock; null where
   * nobody asked.
   */
  readonly begunAt: EpochMs | null;
}

const mint = claimMint();

/** For how long past its end an assertion is remembered: the store has a clock of its own. */
const REMEMBER_BEYOND_MS = 5 * 60_000;

/**
 * Verifies a posted response: as text, by two independent verifiers, against the
 * one request of this browser that it answers (or none, where the connection lets
 * sign-ins begin at the identity provider), and for its one use. Cheap steps
 * come first. Whatever fails is a {@link SamlRefusal}; `saml.replay_memory_unavailable`
 * where the memory does not answer, `saml.verifier_…` where the second verifier does not.
 */
export async function verifyResponse(
  posted: PostedResponse,
  deps: VerifyDeps,
): Promise<VerifiedSignIn> {
  const { connection, memory, second = ON_THIS_THREAD, now } = deps;
  const terms = termsOf(connection);
  const raw = readRawResponse(posted.form, terms.allowed);
  const { facts, signedBy, decryptionKey } = verifyFirst(raw.xml, terms);
  // Before the request is taken: whoever finds no room may send the same response again.
  const place = second.reserve();
  try {
    const delivery = { relayState: raw.relayState, browser: posted.browser };
    const { pending, returnTo } = await takeAnsweredRequest(memory, connection, facts, delivery);
    const checked = checkResponse(facts, expectationsOf(connection, pending), now);
    // Before the second verifier is asked, which is the dear one: who has one response that
    // answers no request could keep it busy with that for everybody.
    await useOnce(memory, connection, facts, checked);
    const { keys, ...settings } = connection;
    const reading = place.ask({
      xml: raw.xml,
      connection: settings,
      certificates: signedBy,
      pending,
      signed: facts.signed,
      decryptionKey: keys.decryption[decryptionKey ?? -1]?.privateKeyPem ?? null,
    });
    await requireSecondOpinion(facts, reading);
    const begunAt = pending?.createdAt ?? null;
    return { assertion: mint(contentOf(connection, facts, checked)), returnTo, begunAt };
  } finally {
    place.release();
  }
}

/** Whatever the second verifier finds wrong now, the first has not: that is their disagreement. */
async function requireSecondOpinion(
  facts: ResponseFacts,
  reading: Promise<SecondReading>,
): Promise<void> {
  try {
    requireAgreement(facts, await reading);
  } catch (error) {
    if (!(error instanceof SamlRefusal)) throw error;
    const { code, detail, cause } = error;
    const refused = code === 'saml.second_verifier_refused';
    const told = { ...detail, ...(refused ? {} : { found: code }), assertion: facts.assertion.id };
    throw new SamlRefusal(refused ? code : 'saml.verifiers_disagree', told, cause);
  }
}

function expectationsOf(connection: SamlConnection, pending: PendingRequest | null) {
  return {
    issuer: connection.idp.entityId,
    audience: connection.sp.entityId,
    acsUrl: connection.sp.acsUrl,
    request: pending === null ? null : { id: pending.requestId, at: pending.createdAt },
    forceAuthn: connection.forceAuthn,
    authnContext: connection.authnContext,
    clockSkewMs: connection.clockSkewMs,
  };
}

/** SAML Profiles §4.1.4.5: an assertion for a bearer is used once. */
async function useOnce(
  memory: ReplayMemory,
  connection: SamlConnection,
  { assertion }: ResponseFacts,
  { usableUntil }: CheckedResponse,
): Promise<void> {
  const expiresAt = after(usableUntil, REMEMBER_BEYOND_MS);
  if (await memory.put(`saml-assertion:${connection.id}`, assertion.id, 'used', expiresAt)) return;
  throw new SamlRefusal('saml.replayed', {
    expected: 'an assertion that was not used before',
    received: assertion.id,
  });
}

function contentOf(connection: SamlConnection, facts: ResponseFacts, checked: CheckedResponse) {
  const { nameId, sessionIndex, sessionNotOnOrAfter, authnInstant, issuedAt } = checked;
  return {
    connectionId: connection.id,
    assertionId: facts.assertion.id,
    responseId: facts.envelope.id,
    issuer: facts.assertion.issuer.value,
    nameId,
    sessionIndex,
    sessionNotOnOrAfter,
    authnInstant,
    issuedAt,
    attributes: facts.assertion.attributes,
  };
}
