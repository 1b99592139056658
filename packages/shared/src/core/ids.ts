import { AppError } from './errors.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Our own id of a user (a UUID). Never an id of the identity provider. */
export type UserId = Branded<'UserId'>;
/** The id of a connection, as the configuration gives it. */
export type ConnectionId = Branded<'ConnectionId'>;
/** The immutable id by which a connection names a person: exact bytes, never an e-mail. */
export type Subject = Branded<'Subject'>;
/** The immutable id by which the directory of a connection names a person. */
export type DirectoryId = Branded<'DirectoryId'>;
/** One live sign-in of a user (a UUID). Not the cookie's value. */
export type SessionId = Branded<'SessionId'>;
/** One run of a sweep (a UUID). Its snapshot and its plan carry the same id. */
export type RunId = Branded<'RunId'>;
/** A group that a client made over SCIM (a UUID). */
export type ScimGroupId = Branded<'ScimGroupId'>;
/** A token of a SCIM client (a UUID). Not its secret. */
export type ScimTokenId = Branded<'ScimTokenId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const CONNECTION = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** SAML Core §8.3.7 caps a persistent identifier at 256 characters; directories keep to less. */
const MAX_IMMUTABLE_ID = 256;
// Controls, and whatever is drawn as nothing or turns the direction of its neighbours.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Why a subject or directory id was refused. */
export type IdFault =
  | 'empty'
  | 'padded'
  | 'too_long'
  | 'control_character'
  | 'not_unicode'
  | 'reserved';

/** What is wrong with an immutable id, or null where nothing is. */
export function faultOfImmutableId(value: string): IdFault | null {
  if (value.length === 0) return 'empty';
  if (value.trim() !== value) return 'padded';
  if (value.length > MAX_IMMUTABLE_ID) return 'too_long';
  if (!value.isWellFormed()) return 'not_unicode';
  if (UNPRINTABLE.test(value)) return 'control_character';
  return UNKNOWN_SUBJECT.test(value) ? 'reserved' : null;
}

const UNKNOWN_SUBJECT = /^scim:[0-9a-f]{8}-/;

/**
 * What stands for the subject of a user whom SCIM has made and who has not been named as
 * assertions name people. No assertion can name it: such a subject is refused.
 */
export function unknownSubject(id: UserId): Subject {
  return `scim:${id}` as Subject;
}

/** Takes a value as the id of a group; null where it is none. */
export function asScimGroupId(value: string): ScimGroupId | null {
  return UUID.test(value) ? (value as ScimGroupId) : null;
}

/** Takes a value as a user id; null where it is none. */
export function asUserId(value: string): UserId | null {
  return UUID.test(value) ? (value as UserId) : null;
}

/** Takes a value as a subject. Throws `identity.bad_subject`. */
export function toSubject(value: string): Subject {
  return toImmutableId(value, 'identity.bad_subject', 'subject') as Subject;
}

/** Takes a value as a directory's id. Throws `identity.bad_directory_id`. */
export function toDirectoryId(value: string): DirectoryId {
  return toImmutableId(value, 'identity.bad_directory_id', 'directory id') as DirectoryId;
}

/** Takes a value as a connection id. Throws `identity.bad_connection_id`. */
export function toConnectionId(value: string): ConnectionId {
  if (!CONNECTION.test(value)) {
    throw new AppError('identity.bad_connection_id', 'There is no such connection.', {
      detail: { expected: CONNECTION.source, received: value.slice(0, 80) },
    });
  }
  return value as ConnectionId;
}

/** Takes a value as a user id. Throws `identity.bad_user_id`. */
export function toUserId(value: string): UserId {
  return toUuid(value, 'identity.bad_user_id') as UserId;
}

/** Takes a value as a session id. Throws `identity.bad_session_id`. */
export function toSessionId(value: string): SessionId {
  return toUuid(value, 'identity.bad_session_id') as SessionId;
}

/** Takes a value as a run id. Throws `identity.bad_run_id`. */
export function toRunId(value: string): RunId {
  return toUuid(value, 'identity.bad_run_id') as RunId;
}

function toImmutableId(value: string, code: string, what: string): string {
  const fault = faultOfImmutableId(value);
  if (fault !== null) {
    throw new AppError(code, `The identity provider sent a ${what} that cannot be used.`, {
      detail: { expected: `1 to ${MAX_IMMUTABLE_ID} printable characters, no padding`, fault },
    });
  }
  return value;
}

function toUuid(value: string, code: string): string {
  if (!UUID.test(value)) {
    throw new AppError(code, 'There is no such id.', {
      detail: { expected: 'a UUID in lower case', received: value.slice(0, 80) },
    });
  }
  return value;
}
