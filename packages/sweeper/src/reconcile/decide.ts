import type { Decision, KeepReason, RefuseReason } from '@rollcall/shared/core/decision';
import type { CompleteSnapshot, DirectoryMember } from '@rollcall/shared/core/evidence';
import { hasAccess, mayRestore } from '@rollcall/shared/core/lifecycle';
import type { SignInHealth } from '@rollcall/shared/core/sign-in-health';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { User } from '@rollcall/shared/core/user';
import { clearSuspicion, decideByLookUps } from './absence.ts';
import { type KnownUser, lookedUpSinceSignIn, signedInSince } from './known-user.ts';
import { decideByMisses } from './misses.ts';
import type { SweepPolicy } from './policy.ts';
import { differenceOfRoles } from './role-difference.ts';
import { decideBySilence, orSilence, type Present } from './silence.ts';

/**
 * What follows from a complete snapshot for each user of the connection, one decision
 * each, in the order of `known`. A user's decision depends on nobody else, so that a
 * large connection may be decided in parts.
 *
 * `signIn` says whether sign-in by the connection can be counted on: where nobody could
 * answer by signing in, nobody is contained, and not having signed in says nothing.
 *
 * A partial snapshot cannot be passed: it decides nothing about anybody.
 * Throws `RangeError` where a member is not the user's own: people are matched by
 * immutable id alone (invariant 4).
 */
export function decide(
  snapshot: CompleteSnapshot,
  known: readonly KnownUser[],
  policy: SweepPolicy,
  now: EpochMs,
  signIn: SignInHealth = NOT_ASKED,
): Decision[] {
  return known.map((person) => {
    const present = { now, signIn };
    if (policy.silence?.alone === true) return decideBySilence(person, policy, present);
    return orSilence(decideOne(snapshot, person, policy, present), person, policy, present);
  });
}

const NOT_ASKED: SignInHealth = {
  kind: 'doubtful',
  why: 'nobody_signed_in',
  since: null,
  explanation: 'expected to be told how sign-in goes, received nothing',
};

function decideOne(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  policy: SweepPolicy,
  { now, signIn }: Present,
): Decision {
  const { user, member } = person;
  if (user.directoryId === null) return keep(user, 'no_directory_id');
  if (member !== null && member.id !== user.directoryId) {
    throw new RangeError(`expected the member ${user.directoryId}, received ${member.id}`);
  }
  if (user.owner !== 'roll') return decideForeign(user, member);
  if (!hasAccess(user.state)) return decideDeactivated(snapshot, user, member);
  if (member?.standing === 'present') return decidePresent(snapshot, person, member, policy);

  if (isProtected(user, policy)) return refuse(user, 'protected');
  if (signedInSince(user, snapshot)) return decideSignedIn(snapshot, person, policy, now);
  if (member === null) {
    return policy.misses === undefined
      ? decideByLookUps(snapshot, person, policy, now)
      : decideByMisses(snapshot, person, policy.misses, signIn);
  }
  return { kind: 'deactivate', userId: user.id, reason: member.standing, evidence: 'E1' };
}

/** Whoever the roll-call does not own is left alone; that they should not have access is said. */
function decideForeign(user: User, member: DirectoryMember | null): Decision {
  if (!hasAccess(user.state)) return keep(user, 'already_deactivated');
  if (member?.standing === 'present') return keep(user, 'present');
  return refuse(user, user.owner === 'scim' ? 'owned_by_scim' : 'owned_manually');
}

function decideDeactivated(
  snapshot: CompleteSnapshot,
  user: User,
  member: DirectoryMember | null,
): Decision {
  if (member?.standing !== 'present') return keep(user, 'already_deactivated');
  if (!mayRestore(user.cause, 'sweep')) return refuse(user, 'other_cause');
  // They were listed all the while: what ends a silence is a sign-in.
  if (user.stateReason === 'silent') return keep(user, 'already_deactivated');
  // A listing that began before the deactivation knows nothing of a return.
  if (snapshot.startedAt <= user.stateChangedAt) return keep(user, 'already_deactivated');
  return { kind: 'restore', userId: user.id, reason: 'listed_again', evidence: 'E1' };
}

function decidePresent(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  member: DirectoryMember,
  policy: SweepPolicy,
): Decision {
  const { user } = person;
  if (user.state !== 'active') return clearSuspicion(user);
  const difference = differenceOfRoles(snapshot, person, member, policy);
  if (difference === null) return keep(user, 'present');
  if (isProtected(user, policy)) {
    return difference.lose.length > 0 ? refuse(user, 'protected') : keep(user, 'present');
  }
  return { kind: 'change_roles', userId: user.id, reason: 'groups_changed', ...difference };
}

/** Whether nothing automatic may take this user's access. */
function isProtected(user: User, policy: SweepPolicy): boolean {
  return user.protected || policy.protectedSubjects.has(user.subject);
}

/**
 * A sign-in newer than the evidence wins (invariant 3). The listing is older, whatever
 * it says of the person; a look-up made after the sign-in is not. Otherwise a leaver
 * whose old session at the identity provider signs in during each listing would stay.
 */
function decideSignedIn(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  policy: SweepPolicy,
  now: EpochMs,
): Decision {
  if (lookedUpSinceSignIn(person, snapshot) === null) return keep(person.user, 'signed_in_since');
  return decideByLookUps(snapshot, person, policy, now);
}

function keep(user: User, reason: KeepReason): Decision {
  return { kind: 'keep', userId: user.id, reason };
}

function refuse(user: User, reason: RefuseReason): Decision {
  return { kind: 'refuse', userId: user.id, reason };
}
