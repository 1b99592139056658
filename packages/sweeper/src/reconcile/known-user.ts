import type { CompleteSnapshot, DirectoryMember, Standing } from '@rollcall/shared/core/evidence';
import type { RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Grant, User } from '@rollcall/shared/core/user';

/** One of our users beside what the snapshot and the look-ups say of them. */
export interface KnownUser {
  readonly user: User;
  /** The row of the snapshot with exactly the user's directory id; null: not listed. */
  readonly member: DirectoryMember | null;
  /** The grants that this connection gave over the channel `roll`. */
  readonly grants: readonly Grant[];
  /** What was found out lately about a user not listed as present, this run's look-up included. */
  readonly lookUps: readonly PastLookUp[];
  /**
   * Of which moments complete snapshots spoke that lacked the user, since one last had
   * them; this run's left out. Left out where the directory answers look-ups.
   */
  readonly misses?: readonly EpochMs[];
  /** For how many days the user has not signed in; left out where silence does not count. */
  readonly silentDays?: number;
}

/** An answer about one person, and whether it can be trusted. */
export interface PastLookUp {
  readonly runId: RunId;
  readonly standing: Standing;
  /** `listing`: some later listing named the person after all. */
  readonly seenIn: 'look_up' | 'listing';
  /** Whether a person known to be there was found before and after. */
  readonly canary: 'present' | 'failed';
  readonly at: EpochMs;
}

/** An answer of this run's own, given after its listing had begun. */
export function isOwn(one: PastLookUp, snapshot: CompleteSnapshot): boolean {
  return one.runId === snapshot.runId && one.seenIn === 'look_up' && one.at >= snapshot.startedAt;
}

/** Whether somebody signed in after a listing had begun: then it is no evidence about them. */
export function signedInSince(user: User, snapshot: CompleteSnapshot): boolean {
  return user.lastAssertionAt !== null && user.lastAssertionAt >= snapshot.startedAt;
}

/**
 * When this run's look-up spoke of somebody who signed in after its listing had begun:
 * it is evidence of its own time, where that is after the sign-in. Null where the
 * person has not signed in since, and where no look-up came after the sign-in.
 */
export function lookedUpSinceSignIn(
  { user, lookUps }: Pick<KnownUser, 'user' | 'lookUps'>,
  snapshot: CompleteSnapshot,
): EpochMs | null {
  const signedInAt = user.lastAssertionAt;
  if (signedInAt === null || !signedInSince(user, snapshot)) return null;
  const later = lookUps.filter((one) => isOwn(one, snapshot) && one.at > signedInAt);
  return later.reduce<EpochMs | null>(
    (latest, { at }) => (latest === null || at > latest ? at : latest),
    null,
  );
}
