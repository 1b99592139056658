import type { Decision, KeepReason } from '@rollcall/shared/core/decision';
import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { User } from '@rollcall/shared/core/user';
import { isOwn, type KnownUser, type PastLookUp } from './known-user.ts';
import { LOOK_UP_VALID_MS, type SweepPolicy } from './policy.ts';

/**
 * What follows for somebody with access of whom a complete snapshot says too little: it
 * lacks them, or they signed in after it had begun. For absence it takes two look-ups to lose access: one of this run, and one of an earlier run at
 * least `confirmAfterMs` before, with nothing between them that says otherwise. A
 * sign-in between them does not undo the first: the snapshot and the second look-up
 * are newer than it, and a leaver's old session at the identity provider would
 * otherwise keep the access for ever.
 */
export function decideByLookUps(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  policy: SweepPolicy,
  now: EpochMs,
): Decision {
  const { user } = person;
  // An own look-up is dated after the sign-in that it followed, and that clock may be ahead.
  const signedInAt = user.lastAssertionAt;
  const latest = signedInAt === null ? now : Math.max(now, signedInAt + 1);
  const history = person.lookUps
    .filter((one) => one.at <= (isOwn(one, snapshot) ? latest : now))
    .sort((a, b) => a.at - b.at);
  const own = history.findLast((one) => isOwn(one, snapshot));
  const keep = (reason: KeepReason): Decision => ({ kind: 'keep', userId: user.id, reason });
  if (own === undefined || own.standing === 'unknown') return keep('look_up_unknown');
  switch (own.standing) {
    case 'present':
      return user.state === 'active' ? keep('look_up_found') : clearSuspicion(user);
    case 'disabled':
    case 'unassigned':
      return { kind: 'deactivate', userId: user.id, reason: own.standing, evidence: 'E1' };
    case 'absent':
      break;
    default:
      return own.standing satisfies never;
  }
  if (own.canary !== 'present') return keep('canary_failed');
  if (isConfirmed(own, history, policy, now)) {
    return { kind: 'deactivate', userId: user.id, reason: 'absent', evidence: 'E2' };
  }
  if (user.state !== 'active') return keep('waiting_for_confirmation');
  return { kind: 'suspect', userId: user.id, reason: 'absent_once', evidence: 'E2' };
}

/** What follows where somebody is found who was suspected or contained: it is over. */
export function clearSuspicion({ id: userId, state }: User): Decision {
  const kind = state === 'contained' ? ('release' as const) : ('restore' as const);
  return { kind, userId, reason: 'suspicion_cleared', evidence: 'E1' };
}

function isConfirmed(
  own: PastLookUp,
  history: readonly PastLookUp[],
  policy: SweepPolicy,
  now: EpochMs,
): boolean {
  const counted = history.filter(counts);
  const trail = counted.slice(counted.findLastIndex((one) => one.standing !== 'absent') + 1);
  if (!trail.includes(own)) return false;
  return trail.some(
    (earlier) =>
      earlier.runId !== own.runId &&
      Math.min(own.at, now) - earlier.at >= policy.confirmAfterMs &&
      now - earlier.at <= LOOK_UP_VALID_MS,
  );
}

/** No answer says nothing, and "no such person" says nothing where the canary was not found. */
function counts(one: PastLookUp): boolean {
  if (one.standing === 'unknown') return false;
  return one.standing !== 'absent' || one.canary === 'present';
}
