import type { ConnectionId, DirectoryId, Subject, UserId } from './ids.ts';
import type { Cause, Owner, UserState } from './lifecycle.ts';
import type { GroupAlias, MatchedValues } from './roles.ts';
import type { EpochMs } from './time.ts';

/** Our record of a person. */
export interface User {
  readonly id: UserId;
  readonly connectionId: ConnectionId;
  readonly subject: Subject;
  /** How the connection's directory names this person; null where sign-in brought no id. */
  readonly directoryId: DirectoryId | null;
  readonly owner: Owner;
  readonly state: UserState;
  /** Who disabled the user; null while the user has access. */
  readonly cause: Cause | null;
  readonly stateReason: string | null;
  readonly stateChangedAt: EpochMs;
  /** Break-glass: no automation takes this user's access. */
  readonly protected: boolean;
  /** By an administrator; else by the configuration. */
  readonly protectedByAdmin: boolean;
  /** The id of the person, where the record is joined with others; null where it is alone. */
  readonly personId: UserId | null;
  readonly profile: Profile;
  /** Group names as last seen; null where they are not known. */
  readonly groups: readonly string[] | null;
  /** When the groups were observed. */
  readonly groupsSeenAt: EpochMs | null;
  /** Attributes that rules name, as last asserted. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  readonly epoch: number;
  readonly version: number;
  readonly createdAt: EpochMs;
  readonly lastAssertionAt: EpochMs | null;
  readonly lastConfirmedAt: EpochMs | null;
  /** When all sessions were ended: sign-ins that were begun by then make none. */
  readonly sessionsEndedAt: EpochMs | null;
  /** When their personal data was taken away; null or left out where it was not. */
  readonly purgedAt?: EpochMs | null;
}

/** Names and e-mail: data that may change, collide and be wrong. Never an identity. */
export interface Profile {
  readonly email: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
}

/** Where a grant comes from. `roll` is kept honest by sign-ins and sweeps alike. */
export type GrantChannel = 'roll' | 'scim' | 'manual';

/** A role held by a user, with its provenance. */
export interface Grant {
  readonly userId: UserId;
  readonly role: string;
  readonly connectionId: ConnectionId;
  readonly channel: GrantChannel;
  readonly seenIn: 'assertion' | 'directory' | 'scim' | 'manual';
  readonly privileged: boolean;
  readonly because: readonly GrantReason[];
  readonly firstSeenAt: EpochMs;
  readonly lastSeenAt: EpochMs;
}

/** One rule that gives a grant, and what it matched. A grant without any is the default role. */
export interface GrantReason {
  readonly file: string;
  readonly line: number;
  /** The groups' own names, at most {@link KEPT_GROUPS}. */
  readonly groups: readonly string[];
  /** How many more groups matched; left out where none did. */
  readonly more?: number;
  readonly attributes: readonly string[];
  /** The configuration's names of those of the groups that have one; left out where none has. */
  readonly aliases?: readonly GroupAlias[];
  /** The values that the rule asked for; left out where it asked for none. */
  readonly values?: readonly MatchedValues[];
}

/** Whether nothing is left of a person but ids. */
export function isPurged({ purgedAt }: Pick<User, 'purgedAt'>): boolean {
  return purgedAt !== null && purgedAt !== undefined;
}

/** The id by which an app knows the person: of the record, or of those that are joined. */
export function personOf(user: Pick<User, 'id' | 'personId'>): UserId {
  return user.personId ?? user.id;
}

/** So many groups are kept with a grant: a pattern may match all of somebody's ten thousand. */
export const KEPT_GROUPS = 50;

/** How a person is written in lists: the e-mail, else the name, else the subject. */
export function labelOf(user: Pick<User, 'profile' | 'subject'>): string {
  const { givenName, familyName, email } = user.profile;
  const name = [givenName, familyName].filter((part) => part !== null && part !== '').join(' ');
  return email ?? (name === '' ? user.subject : name);
}

/** The roles that grants give, whichever connection and channel they come from: sorted, once each. */
export function rolesOf(grants: readonly Pick<Grant, 'role'>[]): readonly string[] {
  return [...new Set(grants.map((grant) => grant.role))].sort();
}
