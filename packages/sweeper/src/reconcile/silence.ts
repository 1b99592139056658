import type { Decision } from '@rollcall/shared/core/decision';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import { isToWait, type SignInHealth } from '@rollcall/shared/core/sign-in-health';
import { type SilencePolicy, warningDue } from '@rollcall/shared/core/silence';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { KnownUser } from './known-user.ts';
import type { SweepPolicy } from './policy.ts';

/** The moment at which is decided, and whether sign-in can be counted on then. */
export interface Present {
  readonly now: EpochMs;
  readonly signIn: SignInHealth;
}

/**
 * What somebody's silence leads to (evidence E4), where the connection has no directory to
 * ask: nobody is missing from a listing that there is not.
 */
export function decideBySilence(
  person: KnownUser,
  policy: SweepPolicy,
  present: Present,
): Decision {
  const { user } = person;
  if (!hasAccess(user.state)) {
    return { kind: 'keep', userId: user.id, reason: 'already_deactivated' };
  }
  const notSilent: Decision = { kind: 'keep', userId: user.id, reason: 'not_silent' };
  return orSilence(notSilent, person, policy, present);
}

/**
 * The decision that a listing led to, or the end that silence is, where the person would
 * otherwise keep access. Whoever the roll-call does not own is never silent; the protected
 * are told of, and kept.
 */
export function orSilence(
  decision: Decision,
  person: KnownUser,
  policy: SweepPolicy,
  { now, signIn }: Present,
): Decision {
  const { user, silentDays } = person;
  if (policy.silence === undefined || silentDays === undefined) return decision;
  if (decision.kind === 'deactivate' || decision.kind === 'refuse') return decision;
  if (user.owner !== 'roll' || !hasAccess(user.state)) return decision;
  if (silentDays < policy.silence.deactivateDays) return decision;
  if (user.protected || policy.protectedSubjects.has(user.subject)) {
    return { kind: 'refuse', userId: user.id, reason: 'protected' };
  }
  if (isToWait('silent', signIn, now)) {
    if (decision.kind !== 'keep') return decision;
    return { kind: 'keep', userId: user.id, reason: 'sign_in_doubtful' };
  }
  return { kind: 'deactivate', userId: user.id, reason: 'silent', evidence: 'E4' };
}

/** The threshold at which somebody's silence is to be told beforehand; null: none. */
export function warningOf(
  { user, silentDays }: KnownUser,
  policy: SweepPolicy,
  silence: SilencePolicy,
): number | null {
  if (silentDays === undefined || user.owner !== 'roll' || !hasAccess(user.state)) return null;
  if (user.protected || policy.protectedSubjects.has(user.subject)) return null;
  return warningDue(silentDays, silence);
}
