import type { Actor } from '../core/actor.ts';
import type { ConnectionId, DirectoryId, Subject, UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { type Profile, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import type { ScimUserRecord } from '../db/scim-users.ts';
import { findUserBySubject, toUser } from '../db/users.ts';
import { lockDirectoryId, usersByDirectoryId } from './directory-id.ts';
import { lockUserWithGrants } from './privileged.ts';
import { auditViewOf, recordAudit } from './record.ts';
import { insertScimNewcomer, type ScimNewcomer } from './scim-newcomer.ts';
import { endsOf } from './tombstone.ts';

/** SCIM makes somebody known, or takes over whom sign-ins have made known. */
export interface ScimProvision {
  /** The id that the user gets where there is none yet. */
  readonly newUserId: UserId;
  readonly connectionId: ConnectionId;
  /** As assertions name the person; null where the client did not say. */
  readonly subject: Subject | null;
  readonly directoryId: DirectoryId | null;
  /** By the configuration. */
  readonly protected: boolean;
  readonly profile: Profile;
  readonly active: boolean;
  readonly privilegedRoles: ReadonlySet<string>;
  readonly reference: string;
}

/** What became of it. */
export type ScimProvisioned =
  /** With what is kept for SCIM, and roles. */
  | { readonly kind: 'created'; readonly user: User; readonly record: ScimUserRecord }
  /** Somebody who was known already is SCIM's from now on. */
  | { readonly kind: 'adopted'; readonly user: User }
  | {
      readonly kind: 'refused';
      /**
       * `not_owned`: managed by hand. `other_cause`: an administrator has shut them out.
       * `ambiguous`: several users have this id in the directory.
       */
      readonly code: 'not_owned' | 'other_cause' | 'ambiguous';
      readonly user: User | null;
    };

/**
 * Makes a user whom SCIM owns, or gives SCIM the one whom the immutable id already names,
 * so that nobody is there twice: neither beside a first sign-in of that very moment, nor
 * beside a second request. What is kept for SCIM of one who was known, state and roles, are
 * for the caller, by `apply` and `writeScimRoles`, in the same transaction.
 *
 * Whom the sweep had taken out is then out by SCIM, which may bring them back (invariant
 * 5: a client that names somebody active is fresh positive evidence, and the sweep asks
 * for them no more). Whom an administrator shut out stays so.
 */
export async function provisionByScim(
  tx: Tx,
  change: ScimNewcomer,
  actor: Actor,
  now: EpochMs,
): Promise<ScimProvisioned> {
  if (change.directoryId !== null) {
    await lockDirectoryId(tx, change.connectionId, change.directoryId);
  }
  const known = await findKnown(tx, change);
  if (known === 'ambiguous') return { kind: 'refused', code: 'ambiguous', user: null };
  if (known !== null) return adopt(tx, known, change, actor, now);
  // Of whoever was purged, or is named otherwise now, an administrator's end is still an
  // administrator's (invariant 5).
  if (change.active && (await endsOf(tx, change)).some(({ cause }) => cause === 'admin')) {
    return { kind: 'refused', code: 'other_cause', user: null };
  }
  const made = await insertScimNewcomer(tx, change, { isKnownNew: true }, actor, now);
  // A first sign-in of this person was quicker: now they are known.
  return made === null ? provisionByScim(tx, change, actor, now) : { kind: 'created', ...made };
}

async function findKnown(
  tx: Tx,
  { connectionId, subject, directoryId }: ScimProvision,
): Promise<User | 'ambiguous' | null> {
  if (subject !== null) return findUserBySubject(tx, connectionId, subject);
  if (directoryId === null) return null;
  const [one, ...others] = await usersByDirectoryId(tx, connectionId, directoryId);
  return others.length > 0 ? 'ambiguous' : (one ?? null);
}

async function adopt(
  tx: Tx,
  { id }: User,
  change: ScimNewcomer,
  actor: Actor,
  now: EpochMs,
): Promise<ScimProvisioned> {
  const locked = await lockUserWithGrants(tx, id, change.privilegedRoles);
  // Purged in this very moment: they are new.
  if (locked === null) return provisionByScim(tx, change, actor, now);
  const { user, grants } = locked;
  if (user.owner === 'manual') return { kind: 'refused', code: 'not_owned', user };
  if (user.cause === 'admin' && change.active)
    return { kind: 'refused', code: 'other_cause', user };
  const { email, givenName, familyName } = change.profile;
  const row = await tx
    .updateTable('users')
    .set({
      owner: 'scim',
      directory_id: change.directoryId ?? user.directoryId,
      cause: user.cause === 'sweep' ? 'scim' : user.cause,
      // A suspicion is the sweep's, which asks for them no more.
      state: user.state === 'suspected' ? 'active' : user.state,
      email,
      given_name: givenName,
      family_name: familyName,
      version: user.version + 1,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const after = toUser(row);
  const roles = rolesOf(grants);
  const fact = {
    kind: 'user.handed_over' as const,
    userId: id,
    connectionId: user.connectionId,
    reason: 'scim_provisioned',
    evidence: { from: user.owner, to: 'scim' },
    before: auditViewOf(user, roles),
    after: auditViewOf(after, roles),
    reference: change.reference,
  };
  await recordAudit(tx, fact, actor, now);
  return { kind: 'adopted', user: after };
}
