import type { DirectoryMember, Standing } from '@rollcall/shared/core/evidence';
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
  /** What was found out about the user lately, this run's look-up included. */
  readonly lookUps: readonly PastLookUp[];
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
