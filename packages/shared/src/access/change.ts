import type { ConnectionId, DirectoryId, SessionId, Subject, UserId } from '../core/ids.ts';
import type { Vouching } from '../core/re-entry.ts';
import type { GroupsUnknown, RoleMapping } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import type { Profile, User } from '../core/user.ts';
import type { AccessBefore, UndoRecord } from './undo-record.ts';

/** Who makes people known by a connection: sign-ins, a client over SCIM, or both. */
export type Provisioning = 'jit' | 'scim' | 'both';

/** How the roles of an assertion meet those that are there. */
export type RolesMode = 'authoritative' | 'additive' | 'first_login';

/** How an identity provider names somebody (SAML Core §2.2.3), exactly as it was signed. */
export interface SignedNameId {
  readonly value: string;
  readonly format: string | null;
  readonly nameQualifier: string | null;
  readonly spNameQualifier: string | null;
}

/** A session to be made with the sign-in, in the same transaction. */
export interface NewSession {
  readonly id: SessionId;
  /** The names that a LogoutRequest will use (SAML Core §3.7.1), exactly as they were signed. */
  readonly nameId: SignedNameId;
  readonly sessionIndex: string | null;
  readonly expiresAt: EpochMs;
}

/** A verified assertion admits somebody: creates or updates the user, and makes a session. */
export interface SignIn {
  readonly kind: 'sign_in';
  /** The id that the user gets where there is none yet. */
  readonly newUserId: UserId;
  readonly connectionId: ConnectionId;
  readonly subject: Subject;
  readonly directoryId: DirectoryId | null;
  readonly protected: boolean;
  readonly profile: Profile;
  /** Null: the assertion said nothing of groups. */
  readonly groups: readonly string[] | null;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  /** Why the groups are not known; null or left out where they are. */
  readonly groupsUnknown?: GroupsUnknown | null;
  readonly mapping: RoleMapping;
  /**
   * The mapping of somebody who is not known yet, where that is another one; null: nobody
   * unknown is let in. Asked under the lock, and only for them.
   */
  readonly mappingOfNewcomer?: () => RoleMapping | null;
  readonly mode: RolesMode;
  readonly privilegedRoles: ReadonlySet<string>;
  /** When the identity provider issued the assertion: evidence is as old as that. */
  readonly issuedAt: EpochMs;
  /** When the browser was sent to the identity provider, by our clock; null where it came unasked. */
  readonly begunAt: EpochMs | null;
  /** Who makes people known by the connection; left out: sign-ins. */
  readonly provisioning?: Provisioning;
  /** How far the clock of the identity provider may be ahead of ours, in milliseconds. */
  readonly clockSkewMs: number;
  /** When the person proved who they are, by the clock of the identity provider. */
  readonly authenticatedAt: EpochMs;
  /** Who can say that somebody is back whose access the sweep has ended. */
  readonly vouching: Vouching;
  readonly session: NewSession;
  readonly reference: string;
}

/** A verified assertion of somebody who may not come in. Records it; takes roles that are gone. */
export interface SignInRefused {
  readonly kind: 'sign_in_refused';
  readonly connectionId: ConnectionId;
  /** Null where the assertion does not say who it is. */
  readonly subject: Subject | null;
  readonly code: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly reference: string;
}

/** One verifier took a message that the other did not take, or not in the same way. Records it. */
export interface VerifiersDisagreed {
  readonly kind: 'verifiers_disagreed';
  readonly connectionId: ConnectionId;
  readonly code: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly reference: string;
}

/** A step in a user's life. */
export interface StateChange {
  readonly kind: 'suspect' | 'contain' | 'release' | 'deactivate' | 'restore';
  readonly userId: UserId;
  /** The privileged roles of the configuration, where the caller has it. */
  readonly privilegedRoles?: ReadonlySet<string>;
  /** The version that the decision saw; null where a person decides now. */
  readonly expectedVersion: number | null;
  /** When the evidence was gathered: a sign-in after it wins. Null where there is none. */
  readonly observedAt: EpochMs | null;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** The roles that a connection's rules give a user now, as the directory or an assertion shows. */
export interface RolesChange {
  readonly kind: 'change_roles';
  readonly userId: UserId;
  readonly connectionId: ConnectionId;
  readonly expectedVersion: number | null;
  readonly observedAt: EpochMs;
  readonly seenIn: 'assertion' | 'directory';
  readonly groups: readonly string[];
  readonly mapping: Extract<RoleMapping, { kind: 'known' }>;
  readonly mode: RolesMode;
  readonly privilegedRoles: ReadonlySet<string>;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What a line of a plan did to somebody is taken back. */
export interface Undo {
  readonly kind: 'undo';
  readonly userId: UserId;
  readonly record: UndoRecord;
  readonly privilegedRoles: ReadonlySet<string>;
  /** Why, in the words of whoever asked for it. */
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** The end of one session. */
export interface SessionEnd {
  readonly kind: 'end_session';
  readonly sessionId: SessionId;
  readonly reason: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** The end of every session of a user, and of every sign-in that was begun by now. */
export interface UserSessionsEnd {
  readonly kind: 'end_sessions_of_user';
  readonly userId: UserId;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** The end of every session by a connection, and of every sign-in that was begun by now. */
export interface ConnectionSessionsEnd {
  readonly kind: 'end_sessions_of_connection';
  readonly connectionId: ConnectionId;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** The end of sessions as an identity provider names them in a LogoutRequest (SAML Core §3.7.1). */
export interface NamedSessionsEnd {
  readonly kind: 'end_sessions_by_name';
  readonly connectionId: ConnectionId;
  readonly nameId: SignedNameId;
  /** Empty: every session of the NameID. */
  readonly sessionIndexes: readonly string[];
  /** ID of the LogoutRequest. */
  readonly requestId: string;
  /** Its IssueInstant: assertions from before that come later make no session. */
  readonly issuedAt: EpochMs;
  /** From here on no such assertion would be accepted anyway. */
  readonly rememberUntil: EpochMs;
  readonly reason: string;
}

/** Ties a record to the person of another: both are of one person, an administrator says. */
export interface RecordsJoin {
  readonly kind: 'join';
  readonly userId: UserId;
  /** Gives the person its id, where it has none yet. */
  readonly withUserId: UserId;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Makes a record stand alone again. */
export interface RecordSeparation {
  readonly kind: 'separate';
  readonly userId: UserId;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Keeps everything automatic away from a user's access, or no longer. */
export interface ProtectionChange {
  readonly kind: 'protect' | 'unprotect';
  readonly userId: UserId;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Everything that may happen to somebody's access. */
export type AccessChange =
  | SignIn
  | SignInRefused
  | VerifiersDisagreed
  | StateChange
  | RolesChange
  | Undo
  | SessionEnd
  | UserSessionsEnd
  | ConnectionSessionsEnd
  | NamedSessionsEnd
  | RecordsJoin
  | RecordSeparation
  | ProtectionChange;

/** Why a change was not made. None of them is an error: the caller decides what to say. */
export type RefusalCode =
  | 'no_such_user'
  | 'deactivated'
  /** Somebody contained brought an assertion from before the containment. */
  | 'assertion_too_old'
  /** The sessions of the user, connection or NameID were ended while the sign-in was on its way. */
  | 'signed_out_since'
  | 'no_such_connection'
  /** No rule gives this person a role, and there is no default one. */
  | 'no_role'
  /** Somebody comes back, and nothing says which roles are still theirs. */
  | 'groups_unknown'
  | 'directory_id_changed'
  /** The connection is provisioned over SCIM alone, and SCIM does not know the person. */
  | 'not_provisioned'
  | 'last_admin'
  | 'protected'
  | 'not_owned'
  | 'other_cause'
  | 'illegal_step'
  /** Nobody is contained by a program while sign-in by the connection may be broken. */
  | 'sign_in_doubtful'
  /** Only an administrator may say that. */
  | 'not_by_hand'
  /** A record cannot be joined with itself. */
  | 'same_user'
  | 'already_joined'
  | 'purge_eligible'
  /** Nothing is left of the person: who they were may come back as somebody new. */
  | 'purged'
  /** An administrator has shut one of the two out, and not the other. */
  | 'shut_out'
  /** The person has its id from this record, and the others still need it. */
  | 'gives_person_id';

/** What is newer than the decision: `newer_state` is a state that began after what was observed. */
export type StaleReason = 'version_changed' | 'signed_in_since' | 'newer_groups' | 'newer_state';

/** What became of a change. */
export type AccessOutcome =
  | {
      readonly kind: 'applied';
      readonly user: User;
      readonly roles: readonly string[];
      readonly created: boolean;
      readonly sessionsEnded: number;
      /** Privileged roles that were kept, because too few people hold them. */
      readonly kept: readonly string[];
      /** How things were, where a plan may have to take the change back. */
      readonly before?: AccessBefore;
    }
  | { readonly kind: 'session_ended'; readonly userId: UserId }
  | { readonly kind: 'sessions_ended'; readonly sessions: number; readonly users: number }
  /** Nothing to do: it is so already. */
  | { readonly kind: 'unchanged'; readonly user: User | null }
  /** Something newer than the decision happened. */
  | { readonly kind: 'stale'; readonly why: StaleReason }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly user: User | null };
