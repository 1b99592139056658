import { isDeepStrictEqual } from 'node:util';
import type { OperationNodeSource } from 'kysely';
import type { Actor } from '../core/actor.ts';
import { maySignIn } from '../core/lifecycle.ts';
import { decideReEntry } from '../core/re-entry.ts';
import type { RoleMapping } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { findUserBySubject, toUser } from '../db/users.ts';
import { isBegunBefore, type LockedUser, lockAdmission } from './admission.ts';
import type { AccessOutcome, RefusalCode, SignIn, SignInRefused } from './change.ts';
import { isGivenOverScim, lockDirectoryId, nameByAssertion } from './directory-id.ts';
import { insertAudits, insertMessages, recordAudit } from './record.ts';
import {
  decideGrants,
  type GrantResult,
  type GrantWork,
  grantChanges,
  isNewer,
} from './role-change.ts';
import { endSessionsOfUser } from './session-end.ts';
import { storyOf, storyOfRefused } from './sign-in-story.ts';
import { writeTogether } from './together.ts';
import { endsOf } from './tombstone.ts';

/**
 * Admits somebody: the user, the grants, the session, the audit and the outbox in
 * one transaction. The end of access is enforced where sessions are made, too
 * (invariant 6): who comes back by signing in says `core/re-entry`. Whoever
 * is left without a role loses what the assertion no longer gives, and stays out.
 */
export async function signIn(
  tx: Tx,
  change: SignIn,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const admission = await lockAdmission(tx, change);
  if (admission.kind === 'refused') return { ...admission, user: null };
  const { connectionEpoch, known } = admission;
  // They were purged while their row was waited for, and nobody is known by this name now.
  if (known !== null && known.user.subject !== change.subject)
    return signIn(tx, change, actor, now);
  if (known !== null) return admitKnown(tx, { change, ...known, connectionEpoch }, actor, now);
  if (await isKnownOverScim(tx, change)) return signIn(tx, change, actor, now);
  if (change.provisioning === 'scim') {
    return { kind: 'refused', code: 'not_provisioned', user: null };
  }
  if (await isSomebodyElseOverScim(tx, change)) {
    return { kind: 'refused', code: 'directory_id_changed', user: null };
  }
  const mapping =
    change.mappingOfNewcomer === undefined ? change.mapping : change.mappingOfNewcomer();
  if (mapping === null) return { kind: 'refused', code: 'no_such_user', user: null };
  const barred = await objectionToReturn(tx, change);
  if (barred !== null) return { kind: 'refused', code: barred, user: null };
  const user = await insertUser(tx, change, now);
  // Somebody else's first sign-in of this person was quicker: now they are known.
  if (user === null) return signIn(tx, change, actor, now);
  const newcomer = { change: { ...change, mapping }, user, grants: [], connectionEpoch };
  return admit(tx, { ...newcomer, created: true, fresh: true }, actor, now);
}

/**
 * Whether SCIM has made this person known by the id of the directory: then they get the
 * name by which assertions know them, and are no newcomer. Nobody makes another user with
 * this id until the transaction ends.
 */
async function isKnownOverScim(tx: Tx, change: SignIn): Promise<boolean> {
  const { connectionId, directoryId, subject, provisioning = 'jit' } = change;
  if (directoryId === null) return false;
  // Where SCIM makes nobody known any more, those whom it did are still to be named.
  if (provisioning === 'jit' && (directoryId as string) === subject) return false;
  await lockDirectoryId(tx, connectionId, directoryId);
  return nameByAssertion(tx, connectionId, directoryId, subject);
}

/** Whether SCIM says that this id is of somebody who signs in by another one. */
async function isSomebodyElseOverScim(tx: Tx, change: SignIn): Promise<boolean> {
  const { connectionId, directoryId, provisioning = 'jit' } = change;
  if (provisioning === 'jit' || directoryId === null) return false;
  return isGivenOverScim(tx, connectionId, directoryId);
}

/**
 * Whoever was purged comes back as whoever was only deactivated does, and as somebody new
 * (invariant 5). No directory can say that they are back, for nobody is left to ask about:
 * so a sign-in has to, all of it from after the end of their access. Whom the directory
 * knows by an id of which nobody has access any more comes back no sooner by another name.
 */
async function objectionToReturn(tx: Tx, change: SignIn): Promise<RefusalCode | null> {
  for (const { purged, ...ended } of await endsOf(tx, change)) {
    const vouching = purged ? 'assertion' : change.vouching;
    const verdict = decideReEntry(ended, { ...change, vouching });
    if (verdict !== 'restored') return verdict;
  }
  return null;
}

/** A person whose row is locked, and what they hold. */
interface Entrant extends LockedUser {
  readonly change: SignIn;
  readonly connectionEpoch: number;
}

async function admitKnown(
  tx: Tx,
  entrant: Entrant,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const { change, user } = entrant;
  const code = objectionTo(user, change);
  if (code !== null) return { kind: 'refused', code, user };
  const fresh = !isNewer(user.groupsSeenAt, change.issuedAt);
  if (maySignIn(user.state)) {
    return admit(tx, { ...entrant, created: false, fresh }, actor, now);
  }
  const mapping = mappingOfReturn(entrant, fresh);
  if (typeof mapping === 'string') return { kind: 'refused', code: mapping, user };
  const returning = { ...entrant, change: { ...change, mapping } };
  return admit(tx, { ...returning, created: false, fresh, returning: true }, actor, now);
}

function objectionTo(user: User, change: SignIn): RefusalCode | null {
  if (!maySignIn(user.state)) {
    const verdict = decideReEntry(user, change);
    if (verdict !== 'restored') return verdict;
  }
  if (isNotProvisioned(user, change)) return 'not_provisioned';
  if (namesSomebodyElse(user, change)) return 'directory_id_changed';
  if (isBegunBefore(user.sessionsEndedAt, change)) return 'signed_out_since';
  return isTooOldFor(user, change) ? 'assertion_too_old' : null;
}

interface Admitted extends Entrant {
  readonly created: boolean;
  /** Whether the assertion is newer than what is known of the groups. */
  readonly fresh: boolean;
  /** Their access had ended, and is back with this sign-in. */
  readonly returning?: boolean;
}

/**
 * The roles with which somebody comes back: those that are still asserted, and no other;
 * where only the first sign-in counts, none that they had not. Else why they stay out.
 */
function mappingOfReturn(
  { change, grants }: Entrant,
  fresh: boolean,
): Extract<RoleMapping, { kind: 'known' }> | RefusalCode {
  const { mapping, mode } = change;
  if (!fresh) return 'assertion_too_old';
  if (mapping.kind === 'unknown') return 'groups_unknown';
  const had = new Set(grants.map((grant) => grant.role));
  const roles =
    mode === 'first_login' ? mapping.roles.filter((role) => had.has(role)) : mapping.roles;
  return roles.length === 0 ? 'no_role' : { ...mapping, roles };
}

async function admit(
  tx: Tx,
  entrant: Admitted,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const { user, grants: before, change, created } = entrant;
  const work = grantWorkOf(entrant);
  const granted =
    work === null ? unchanged(before) : await decideGrants(tx, user.id, before, work, actor);
  const after = userAfter(entrant, now);
  const told = { user, after, before, granted, change };
  const admitted = granted.roles.length > 0;
  const story = admitted ? storyOf({ ...told, created }) : storyOfRefused(told);
  await writeTogether(tx, [
    updateUser(tx, entrant, after, now),
    ...(work === null ? [] : grantChanges(tx, user.id, granted, work, now)),
    ...(admitted ? [insertSession(tx, after, entrant, now)] : []),
    ...(story.facts.length > 0 ? [insertAudits(tx, story.facts, actor, now)] : []),
    ...(story.messages.length > 0 ? [insertMessages(tx, story.messages, now)] : []),
  ]);
  if (!admitted) {
    await endSessionsOfUser(tx, user.id, 'no_role', now);
    return { kind: 'refused', code: 'no_role', user: after };
  }
  const { roles, kept } = granted;
  return { kind: 'applied', user: after, roles, created, sessionsEnded: 0, kept };
}

/** Writes down that somebody whom the identity provider vouched for was not let in. */
export async function recordRefusal(
  tx: Tx,
  change: SignInRefused,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const { connectionId, subject } = change;
  const user = subject === null ? null : await findUserBySubject(tx, connectionId, subject);
  await recordAudit(
    tx,
    {
      kind: 'sign_in.refused',
      userId: user?.id ?? null,
      connectionId,
      reason: change.code,
      evidence: { ...change.evidence, subject },
      reference: change.reference,
    },
    actor,
    now,
  );
  return { kind: 'unchanged', user };
}

/**
 * Two first sign-ins at once make one user: the second waits here, inserts nothing and
 * gets null.
 */
async function insertUser(tx: Tx, change: SignIn, now: EpochMs): Promise<User | null> {
  const row = await tx
    .insertInto('users')
    .values({
      id: change.newUserId,
      connection_id: change.connectionId,
      subject: change.subject,
      directory_id: change.directoryId,
      owner: 'roll',
      state: 'active',
      cause: null,
      state_reason: 'signed_in',
      state_changed_at: toTimestamp(now),
      attributes: JSON.stringify({}),
      created_at: toTimestamp(now),
    })
    .onConflict((conflict) => conflict.columns(['connection_id', 'subject']).doNothing())
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? null : toUser(row);
}

/** The same subject with another id in the directory is another person (or another mapping). */
function namesSomebodyElse(user: User, change: SignIn): boolean {
  if (user.directoryId === null || change.directoryId === null) return false;
  return user.directoryId !== change.directoryId;
}

/**
 * Whom an earlier sign-in made known does not come in where SCIM alone says who there is,
 * but for those from whom nothing automatic takes access.
 */
function isNotProvisioned(user: User, change: SignIn): boolean {
  const guarded = user.protected || change.protected;
  return change.provisioning === 'scim' && user.owner === 'roll' && !guarded;
}

/**
 * Whoever is contained needs an assertion that was issued since: what answers a request of
 * ours is younger than the request, whatever the provider's clock says; what came unasked
 * has its IssueInstant alone. When the person last gave a password (AuthnInstant) is not
 * asked: the question is whether the provider still vouches for them, and issuing is the
 * answer.
 */
function isTooOldFor(user: User, change: SignIn): boolean {
  return user.state === 'contained' && isBegunBefore(user.stateChangedAt, change);
}

/** What the assertion does to the grants; null: nothing. */
function grantWorkOf({ change, user, created, fresh, returning }: Admitted): GrantWork | null {
  const frozen = change.mode === 'first_login' && !created;
  const guarded = change.protected || user.protectedByAdmin;
  if (change.mapping.kind === 'unknown' || !fresh) return null;
  if (frozen && returning !== true) return null;
  const work = {
    connectionId: change.connectionId,
    mapping: change.mapping,
    // Nothing automatic takes access from the protected, so a sign-in only adds (invariant 4).
    mode: guarded && change.mode === 'authoritative' ? ('additive' as const) : change.mode,
    seenIn: 'assertion' as const,
    privilegedRoles: change.privilegedRoles,
  };
  // Whoever had no access was no holder who could be the last.
  return returning === true ? { ...work, mode: 'authoritative', unguarded: true } : work;
}

function unchanged(before: readonly Grant[]): GrantResult {
  return { roles: rolesOf(before), gained: [], lost: [], kept: [], dropped: [] };
}

/** The user as the sign-in leaves them. */
function userAfter({ user, change, fresh, returning }: Admitted, now: EpochMs): User {
  const vouched = user.state === 'contained' || isNewer(change.issuedAt, user.stateChangedAt);
  const groupsSeen = fresh && change.groups !== null;
  return {
    ...user,
    ...(user.owner === 'scim' ? saidOverScim(user, change) : saidBySignIn(user, change)),
    protected: change.protected || user.protectedByAdmin,
    // Roles follow from them at the next sweep: as with groups, what is older brings none back.
    attributes: fresh ? change.attributes : user.attributes,
    lastAssertionAt: now,
    version: user.version + 1,
    ...(groupsSeen ? { groups: change.groups, groupsSeenAt: change.issuedAt } : {}),
    // Fresh proof of life ends a suspicion; the next sweep still asks the directory.
    ...(vouched && user.state !== 'active'
      ? { state: 'active', stateReason: 'signed_in', stateChangedAt: now }
      : {}),
    ...(returning === true ? { cause: null, stateReason: 'signed_in_again' } : {}),
  };
}

function saidBySignIn(user: User, change: SignIn): Pick<User, 'profile' | 'directoryId'> {
  return { profile: change.profile, directoryId: change.directoryId ?? user.directoryId };
}

/** What SCIM says of its people, no assertion overrides. */
function saidOverScim(user: User, change: SignIn): Pick<User, 'profile' | 'directoryId'> {
  return { profile: user.profile, directoryId: user.directoryId ?? change.directoryId };
}

function updateUser(
  tx: Tx,
  { user, change }: Entrant,
  after: User,
  now: EpochMs,
): OperationNodeSource {
  const { email, givenName, familyName } = after.profile;
  const regrouped = !isDeepStrictEqual(user.groups, after.groups);
  return tx
    .updateTable('users')
    .set({
      email,
      given_name: givenName,
      family_name: familyName,
      directory_id: after.directoryId,
      protected: change.protected,
      attributes: JSON.stringify(Object.fromEntries(after.attributes)),
      state: after.state,
      cause: after.cause,
      state_reason: after.stateReason,
      state_changed_at: toTimestamp(after.stateChangedAt),
      // Hundreds of groups that are the same need not be written again.
      ...(regrouped ? { groups: after.groups === null ? null : [...after.groups] } : {}),
      groups_seen_at: after.groupsSeenAt === null ? null : toTimestamp(after.groupsSeenAt),
      last_assertion_at: toTimestamp(now),
      version: after.version,
    })
    .where('id', '=', user.id);
}

function insertSession(
  tx: Tx,
  user: User,
  { change, connectionEpoch }: Entrant,
  now: EpochMs,
): OperationNodeSource {
  const { nameId } = change.session;
  return tx.insertInto('sessions').values({
    id: change.session.id,
    user_id: user.id,
    connection_id: change.connectionId,
    user_epoch: user.epoch,
    connection_epoch: connectionEpoch,
    name_id: nameId.value,
    name_id_format: nameId.format,
    name_qualifier: nameId.nameQualifier,
    sp_name_qualifier: nameId.spNameQualifier,
    session_index: change.session.sessionIndex,
    created_at: toTimestamp(now),
    last_seen_at: toTimestamp(now),
    expires_at: toTimestamp(change.session.expiresAt),
  });
}
