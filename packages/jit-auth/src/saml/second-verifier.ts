import {
  type CacheProvider,
  type Profile,
  type SamlConfig,
  ValidateInResponseTo,
} from '@node-saml/node-saml';
import { allowAlgorithms } from './algorithms.ts';
import { type AssertionFacts, readAssertion } from './assertion-facts.ts';
import { MAX_ASSERTION_AGE_MS } from './conditions.ts';
import type { Element } from './element.ts';
import { PENDING_REQUEST_MS, type PendingRequest } from './pending-request.ts';
import { SamlRefusal } from './refusal.ts';
import { type EnvelopeFacts, readEnvelope, type SignedParts } from './response-facts.ts';
import type { SamlConnection } from './saml-connection.ts';
import { isSealedApart, SealedSaml } from './sealed-saml.ts';
import { parseWithXmldom } from './xmldom-element.ts';

/** What the second verifier is asked. */
export interface SecondQuestion {
  readonly xml: string;
  readonly connection: SecondSettings;
  /** Certificates of the keys that the first verifier found to have signed, PEM. */
  readonly certificates: readonly string[];
  /** Null where the response answers no request. */
  readonly pending: PendingRequest | null;
  /** What the first verifier found signed. */
  readonly signed: SignedParts;
  /** Our private key for which the first verifier found it encrypted, PEM; null where it is not. */
  readonly decryptionKey: string | null;
}

/** What it needs to know of a connection; none of our keys. */
export type SecondSettings = Omit<SamlConnection, 'keys'>;

/** What the second verifier read of what is signed. */
export interface SecondReading {
  /**
   * Null where the response itself is not signed: whoever wrote such an envelope
   * could have made both readings equal, so that a second one would prove nothing.
   */
  readonly envelope: EnvelopeFacts | null;
  readonly assertion: AssertionFacts;
}

/**
 * Verifies the same text with node-saml (xmldom, xml-crypto) under its strictest
 * settings, which decrypts for itself (`sealed-saml.ts` where it cannot), and reads the assertion from the signed
 * bytes that it gives back.
 * Throws `saml.second_verifier_refused`, `saml.verifiers_disagree`, `saml.malformed`.
 */
export async function verifySecond(question: SecondQuestion): Promise<SecondReading> {
  const { xml, signed } = question;
  const profile = await askNodeSaml(question);
  const assertionXml = profile.getAssertionXml?.();
  if (assertionXml === undefined) throw refused('an assertion', 'none');
  const assertion = readAssertion(parse(assertionXml));
  requireSameReading(profile, assertion);
  const envelope = signed.response
    ? readEnvelope(parse(profile.getSamlResponseXml?.() ?? xml))
    : null;
  return { envelope, assertion };
}

/** What xmldom finds wrong is refused, as all else is: it reads some texts twice and only once complains. */
function parse(xml: string): Element {
  try {
    return parseWithXmldom(xml);
  } catch (cause) {
    throw refused('XML that xmldom reads', messageOf(cause), cause);
  }
}

async function askNodeSaml({
  xml,
  connection,
  certificates,
  pending,
  signed,
  decryptionKey,
}: SecondQuestion): Promise<Profile> {
  const saml = new SealedSaml({
    ...strictSettings(connection),
    idpCert: [...certificates],
    // What is signed must hold here too, whether it was asked for or not.
    wantAssertionsSigned: signed.assertion,
    wantAuthnResponseSigned: signed.response,
    // No InResponseTo at all where nobody asked: none is known, so none is taken.
    validateInResponseTo:
      pending === null ? ValidateInResponseTo.ifPresent : ValidateInResponseTo.always,
    cacheProvider: answerFor(pending),
    ...(decryptionKey === null ? {} : { decryptionPvk: decryptionKey }),
  });
  const allowed = allowAlgorithms(connection.weakAlgorithms);
  const SAMLResponse = Buffer.from(xml, 'utf8').toString('base64');
  try {
    const { profile } =
      decryptionKey !== null && isSealedApart(xml)
        ? await saml.validateSealed(xml, { signed, decryptionKey, allowed })
        : await saml.validatePostResponseAsync({ SAMLResponse });
    if (profile !== null) return profile;
  } catch (cause) {
    throw refused('a response that node-saml accepts', messageOf(cause), cause);
  }
  throw refused('a profile', 'none');
}

/** Settings that requests and responses share. None of the library's own defaults is relied on. */
export function strictSettings(connection: SecondSettings): SamlConfig {
  const { idp, sp } = connection;
  return {
    callbackUrl: sp.acsUrl,
    issuer: sp.entityId,
    audience: sp.entityId,
    idpIssuer: idp.entityId,
    idpCert: [...idp.certificates],
    entryPoint: idp.ssoUrl,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: connection.signed !== 'assertion',
    requestIdExpirationPeriodMs: PENDING_REQUEST_MS,
    acceptedClockSkewMs: connection.clockSkewMs,
    maxAssertionAgeMs: MAX_ASSERTION_AGE_MS,
    disableRequestedAuthnContext: connection.authnContext.length === 0,
    authnContext: [...connection.authnContext],
    racComparison: 'exact',
    identifierFormat: null,
    allowCreate: connection.allowCreate,
    forceAuthn: connection.forceAuthn,
    passive: false,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
  };
}

/**
 * node-saml asks twice for each response whether it knows the request. The one
 * atomic take is done by then, so both questions have the same answer, and only
 * for the request that was taken.
 */
function answerFor(pending: PendingRequest | null): CacheProvider {
  const createdAt = pending === null ? null : new Date(pending.createdAt).toISOString();
  return {
    saveAsync: () => Promise.reject(new Error('no request is made while a response is read')),
    getAsync: (id) => Promise.resolve(id === pending?.requestId ? createdAt : null),
    removeAsync: (id) => Promise.resolve(id),
  };
}

/**
 * node-saml reads the signed bytes with a third parser of its own. What it made
 * of the names in them must be what we made of them.
 */
function requireSameReading(profile: Profile, facts: AssertionFacts): void {
  const theirs = [profile.issuer, profile.nameID, profile.nameIDFormat, profile.sessionIndex];
  const ours = [
    facts.issuer.value,
    facts.nameId?.value,
    facts.nameId?.format,
    facts.authnStatements[0]?.sessionIndex,
  ];
  for (const [index, value] of ours.entries()) {
    // It leaves out what is empty.
    if ((theirs[index] ?? '') === (value ?? '')) continue;
    throw new SamlRefusal('saml.verifiers_disagree', { expected: value, received: theirs[index] });
  }
}

function refused(expected: string, received: string, cause?: unknown): SamlRefusal {
  return new SamlRefusal('saml.second_verifier_refused', { expected, received }, cause);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
