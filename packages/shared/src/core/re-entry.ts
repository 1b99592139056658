import type { EpochMs } from './time.ts';
import type { User } from './user.ts';

/**
 * Who can say that somebody is back whose access the sweep has ended: the directory, where
 * the connection has one; else nobody but the identity provider, by a fresh assertion.
 */
export type Vouching = 'directory' | 'assertion';

/** When an assertion came to be. */
export interface FreshEvidence {
  readonly vouching: Vouching;
  /** IssueInstant, by the clock of the identity provider. */
  readonly issuedAt: EpochMs;
  /** AuthnInstant: when the person proved who they are, by the same clock. */
  readonly authenticatedAt: EpochMs;
  /** When the browser was sent to the identity provider, by our clock; null where it came unasked. */
  readonly begunAt: EpochMs | null;
}

/** What an assertion does for somebody whose access has ended. */
export type ReEntry = 'restored' | 'deactivated' | 'assertion_too_old';

/**
 * Decides whether somebody whose access has ended comes back by signing in (invariant 5:
 * only the same cause re-enables). An administrator's end is an administrator's, SCIM's is
 * SCIM's. The sweep's yields to fresh positive evidence: that is the directory's, wherever
 * there is one, for identity providers go on vouching for old sessions. Where there is
 * none, the person must have proved anew who they are, all of it after the end: a sign-in
 * that was begun here, an authentication and an assertion. One that came unasked has no
 * time by our clock, and restores nobody.
 *
 * Whom silence has ended comes back so in either case: a directory listed them all the
 * while, and what was missing is a sign-in. They return as a newcomer would be let in whom
 * the provider vouches for; keeping them out would only move them to another account.
 */
export function decideReEntry(
  user: Pick<User, 'cause' | 'owner' | 'stateChangedAt' | 'stateReason'>,
  evidence: FreshEvidence,
): ReEntry {
  if (user.cause !== 'sweep' || user.owner !== 'roll') return 'deactivated';
  if (evidence.vouching === 'directory' && user.stateReason !== 'silent') return 'deactivated';
  const { begunAt, authenticatedAt, issuedAt } = evidence;
  if (begunAt === null) return 'assertion_too_old';
  const oldest = Math.min(begunAt, authenticatedAt, issuedAt);
  return oldest > user.stateChangedAt ? 'restored' : 'assertion_too_old';
}
