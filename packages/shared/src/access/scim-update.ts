import type { Actor } from '../core/actor.ts';
import { type DirectoryId, type Subject, type UserId, unknownSubject } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { type Profile, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { findUserBySubject, grantsOf, lockUser, toUser } from '../db/users.ts';
import { lockDirectoryId, usersByDirectoryId } from './directory-id.ts';
import { auditViewOf, putIntoOutbox, recordAudit } from './record.ts';

/** What SCIM says now of somebody whom it owns. */
export interface ScimUpdate {
  readonly userId: UserId;
  readonly profile: Profile;
  /** As assertions name the person; null where the client does not say. */
  readonly subject: Subject | null;
  readonly directoryId: DirectoryId | null;
  readonly reference: string;
}

/** What became of it. */
export type ScimUpdated =
  | { readonly kind: 'updated' | 'unchanged'; readonly user: User }
  | { readonly kind: 'refused'; readonly code: 'no_such_user' | 'not_owned' | 'subject_taken' };

/**
 * Writes names, e-mail and identity as SCIM has them. Who has signed in stays who they
 * are: by what name they did so is no longer the client's to change, so another
 * `externalId` is then data and nothing more.
 */
export async function updateByScim(
  tx: Tx,
  change: ScimUpdate,
  actor: Actor,
  now: EpochMs,
): Promise<ScimUpdated> {
  const user = await lockUser(tx, change.userId);
  if (user === null) return { kind: 'refused', code: 'no_such_user' };
  if (user.owner !== 'scim') return { kind: 'refused', code: 'not_owned' };
  const identity = identityAfter(user, change);
  if (identity.subject !== user.subject) {
    const other = await findUserBySubject(tx, user.connectionId, identity.subject);
    if (other !== null) return { kind: 'refused', code: 'subject_taken' };
  }
  if (identity.directoryId !== null && identity.directoryId !== user.directoryId) {
    // After the row's lock, against the order of others: of two who wait, one runs again.
    await lockDirectoryId(tx, user.connectionId, identity.directoryId);
    const others = await usersByDirectoryId(tx, user.connectionId, identity.directoryId);
    if (others.some(({ id }) => id !== user.id)) return { kind: 'refused', code: 'subject_taken' };
  }
  if (isSame(user, change.profile, identity)) return { kind: 'unchanged', user };
  const { email, givenName, familyName } = change.profile;
  const row = await tx
    .updateTable('users')
    .set({
      email,
      given_name: givenName,
      family_name: familyName,
      subject: identity.subject,
      directory_id: identity.directoryId,
      version: user.version + 1,
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const after = toUser(row);
  await tell(tx, user, after, change, actor, now);
  return { kind: 'updated', user: after };
}

interface Identity {
  readonly subject: Subject;
  readonly directoryId: DirectoryId | null;
}

function identityAfter(user: User, { subject, directoryId }: ScimUpdate): Identity {
  if (user.lastAssertionAt !== null) return user;
  return {
    // Where ids of the directory are others than subjects, no client names the subject.
    subject: subject ?? (directoryId === null ? unknownSubject(user.id) : user.subject),
    directoryId,
  };
}

function isSame(user: User, profile: Profile, identity: Identity): boolean {
  return (
    user.profile.email === profile.email &&
    user.profile.givenName === profile.givenName &&
    user.profile.familyName === profile.familyName &&
    user.subject === identity.subject &&
    user.directoryId === identity.directoryId
  );
}

async function tell(
  tx: Tx,
  user: User,
  after: User,
  { reference }: ScimUpdate,
  actor: Actor,
  now: EpochMs,
): Promise<void> {
  const roles = rolesOf(await grantsOf(tx, user.id));
  const fact = {
    kind: 'user.changed' as const,
    userId: user.id,
    connectionId: user.connectionId,
    reason: 'scim_changed',
    before: { ...auditViewOf(user, roles), subject: user.subject, directoryId: user.directoryId },
    after: { ...auditViewOf(after, roles), subject: after.subject, directoryId: after.directoryId },
    reference,
  };
  await recordAudit(tx, fact, actor, now);
  if (JSON.stringify(user.profile) === JSON.stringify(after.profile)) return;
  await putIntoOutbox(tx, 'user.changed', user.id, { profile: after.profile }, now);
}
