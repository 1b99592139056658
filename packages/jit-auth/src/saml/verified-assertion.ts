import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';

declare const verified: unique symbol;

/** Who an assertion is about (SAML Core §2.2.3), exactly as it was signed. */
export interface NameId {
  readonly value: string;
  readonly format: string | null;
  readonly nameQualifier: string | null;
  readonly spNameQualifier: string | null;
}

/** What an assertion says once every check has passed. */
export interface AssertionContent {
  readonly connectionId: ConnectionId;
  readonly assertionId: string;
  readonly responseId: string;
  readonly issuer: string;
  readonly nameId: NameId;
  /** Names the session at the identity provider, for single logout. */
  readonly sessionIndex: string | null;
  /** When the identity provider wants the session to end. */
  readonly sessionNotOnOrAfter: EpochMs | null;
  /** When the person proved who they are. */
  readonly authnInstant: EpochMs;
  readonly issuedAt: EpochMs;
  /** Values in the order in which they were signed; attributes that occur twice are merged. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/**
 * An assertion that two verifiers accepted and that passed every check. Only
 * `verifyResponse` makes one: the type cannot be written down, and
 * {@link assertVerified} knows each one by its identity.
 */
export type VerifiedAssertion = AssertionContent & { readonly [verified]: true };

const minted = new WeakSet<object>();
let claimed = false;

/**
 * Hands out the only mint, once: `verify.ts` claims it while it is loaded, and
 * whoever asks later gets an error.
 */
export function claimMint(): (content: AssertionContent) => VerifiedAssertion {
  if (claimed) throw new Error('the mint of verified assertions belongs to saml/verify.ts');
  claimed = true;
  return (content) => {
    const assertion = Object.freeze({ ...content }) as VerifiedAssertion;
    minted.add(assertion);
    return assertion;
  };
}

/**
 * Throws `saml.not_verified` for anything that `verifyResponse` did not make: a
 * copy, a cast, an object that was read back from JSON.
 */
export function assertVerified(value: unknown): asserts value is VerifiedAssertion {
  if (typeof value === 'object' && value !== null && minted.has(value)) return;
  throw new AppError('saml.not_verified', 'The sign-in could not be completed.', {
    detail: { expected: 'an assertion from verifyResponse', received: typeof value },
  });
}
