import type { Actor } from '../core/actor.ts';
import { maySignIn } from '../core/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { findUserBySubject, toUser } from '../db/users.ts';
import { isBegunBefore, lockAdmission } from './admission.ts';
import type { AccessOutcome, SignIn, SignInRefused } from './change.ts';
import { lockUserWithGrants } from './privileged.ts';
import { auditViewOf, putIntoOutbox, recordAudit } from './record.ts';
import { type GrantResult, isNewer, writeGrants } from './role-change.ts';
import { endSessionsOfUser } from './session-end.ts';

/**
 * Admits somebody: the user, the grants, the session, the audit and the outbox in
 * one transaction. Refuses whoever is deactivated, whatever the assertion says:
 * the end of access is enforced where sessions are made, too (invariant 6). Whoever
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
  const created = await insertUser(tx, change, now);
  const found = await findUserBySubject(tx, change.connectionId, change.subject);
  if (found === null) return { kind: 'refused', code: 'no_such_user', user: null };
  const locked = await lockUserWithGrants(tx, found.id, change.privilegedRoles);
  if (locked === null) return { kind: 'refused', code: 'no_such_user', user: null };
  const { user, grants: before } = locked;
  if (!maySignIn(user.state)) return { kind: 'refused', code: 'deactivated', user };
  if (namesSomebodyElse(user, change)) {
    return { kind: 'refused', code: 'directory_id_changed', user };
  }

  if (isBegunBefore(user.sessionsEndedAt, change)) {
    return { kind: 'refused', code: 'signed_out_since', user };
  }
  if (isTooOldFor(user, change)) return { kind: 'refused', code: 'assertion_too_old', user };

  const fresh = created || !isNewer(user.groupsSeenAt, change.issuedAt);
  const granted = await grantRoles(tx, { change, user, before, created, fresh }, actor, now);
  const after = await writeUser(tx, user, change, fresh, now);
  if (granted.roles.length === 0) {
    const told = { user, after, before, granted, change };
    await recordUpdate(tx, told, actor, now);
    await recordRoleDifference(tx, told, actor, now);
    await endSessionsOfUser(tx, user.id, 'no_role', now);
    return { kind: 'refused', code: 'no_role', user: after };
  }
  await insertSession(tx, after, admission.connectionEpoch, change, now);
  await record(tx, { user, after, before, granted, created, change }, actor, now);
  return {
    kind: 'applied',
    user: after,
    roles: granted.roles,
    created,
    sessionsEnded: 0,
    kept: granted.kept,
  };
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

/** Two first sign-ins at once make one user: the second waits here and inserts nothing. */
async function insertUser(tx: Tx, change: SignIn, now: EpochMs): Promise<boolean> {
  const inserted = await tx
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
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** The same subject with another id in the directory is another person (or another mapping). */
function namesSomebodyElse(user: User, change: SignIn): boolean {
  if (user.directoryId === null || change.directoryId === null) return false;
  return user.directoryId !== change.directoryId;
}

/** Whoever is contained needs an assertion that the identity provider issued since. */
function isTooOldFor(user: User, change: SignIn): boolean {
  return user.state === 'contained' && change.issuedAt <= user.stateChangedAt;
}

async function grantRoles(
  tx: Tx,
  told: { change: SignIn; user: User; before: readonly Grant[]; created: boolean; fresh: boolean },
  actor: Actor,
  now: EpochMs,
): Promise<GrantResult> {
  const { change, user, before, created, fresh } = told;
  const frozen = change.mode === 'first_login' && !created;
  if (change.mapping.kind === 'unknown' || frozen || !fresh) {
    return { roles: rolesOf(before), gained: [], lost: [], kept: [] };
  }
  const work = {
    connectionId: change.connectionId,
    mapping: change.mapping,
    // Nothing automatic takes access from the protected, so a sign-in only adds (invariant 4).
    mode: change.protected && change.mode === 'authoritative' ? ('additive' as const) : change.mode,
    seenIn: 'assertion' as const,
    privilegedRoles: change.privilegedRoles,
  };
  return writeGrants(tx, user.id, before, work, actor, now);
}

async function writeUser(
  tx: Tx,
  user: User,
  change: SignIn,
  fresh: boolean,
  now: EpochMs,
): Promise<User> {
  const vouched = user.state !== 'active' && change.issuedAt > user.stateChangedAt;
  const groupsSeen = fresh && change.groups !== null;
  const row = await tx
    .updateTable('users')
    .set({
      email: change.profile.email,
      given_name: change.profile.givenName,
      family_name: change.profile.familyName,
      directory_id: change.directoryId ?? user.directoryId,
      protected: change.protected,
      attributes: JSON.stringify(Object.fromEntries(change.attributes)),
      last_assertion_at: toTimestamp(now),
      version: user.version + 1,
      ...(groupsSeen
        ? { groups: [...(change.groups ?? [])], groups_seen_at: toTimestamp(change.issuedAt) }
        : {}),
      // Fresh proof of life ends a suspicion; the next sweep still asks the directory.
      ...(vouched
        ? {
            state: 'active' as const,
            state_reason: 'signed_in',
            state_changed_at: toTimestamp(now),
          }
        : {}),
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toUser(row);
}

async function insertSession(
  tx: Tx,
  user: User,
  connectionEpoch: number,
  change: SignIn,
  now: EpochMs,
): Promise<void> {
  const { nameId } = change.session;
  await tx
    .insertInto('sessions')
    .values({
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
    })
    .execute();
}

interface Told {
  readonly user: User;
  readonly after: User;
  readonly before: readonly Grant[];
  readonly granted: GrantResult;
  readonly change: SignIn;
}

/** What a refused sign-in changed all the same: the state, or the names; nothing where neither. */
async function recordUpdate(tx: Tx, told: Told, actor: Actor, now: EpochMs): Promise<void> {
  const { user, after, before, granted, change } = told;
  const sameNames = JSON.stringify(user.profile) === JSON.stringify(after.profile);
  if (user.state === after.state && sameNames) return;
  const head = { userId: user.id, connectionId: user.connectionId, reference: change.reference };
  const views = {
    before: auditViewOf(user, rolesOf(before)),
    after: auditViewOf(after, granted.roles),
  };
  await recordAudit(
    tx,
    { kind: 'user.changed', ...head, reason: 'signed_in', ...views },
    actor,
    now,
  );
  if (!sameNames) {
    await putIntoOutbox(tx, 'user.changed', user.id, { profile: after.profile }, now);
  }
}

/** What the assertion changed of the roles; nothing where it changed none. */
async function recordRoleDifference(tx: Tx, told: Told, actor: Actor, now: EpochMs): Promise<void> {
  const { user, after, before, granted, change } = told;
  if (granted.gained.length + granted.lost.length === 0) return;
  const had = rolesOf(before);
  const head = { userId: user.id, connectionId: user.connectionId, reference: change.reference };
  const views = { before: auditViewOf(user, had), after: auditViewOf(after, granted.roles) };
  await recordAudit(
    tx,
    { kind: 'roles.changed', ...head, reason: 'signed_in', ...views },
    actor,
    now,
  );
  const { gained, lost, roles } = granted;
  await putIntoOutbox(tx, 'roles.changed', user.id, { gained, lost, roles }, now);
}

async function record(
  tx: Tx,
  told: Told & { created: boolean },
  actor: Actor,
  now: EpochMs,
): Promise<void> {
  const { user, after, before, granted, created, change } = told;
  const had = rolesOf(before);
  const head = { userId: user.id, connectionId: user.connectionId, reference: change.reference };
  const views = { before: auditViewOf(user, had), after: auditViewOf(after, granted.roles) };
  const evidence = { sessionId: change.session.id, issuedAt: change.issuedAt };
  if (created) {
    await recordAudit(tx, { kind: 'user.created', ...head, after: views.after }, actor, now);
    const payload = { subject: after.subject, profile: after.profile, roles: granted.roles };
    await putIntoOutbox(tx, 'user.created', user.id, payload, now);
  }
  await recordAudit(tx, { kind: 'user.signed_in', ...head, ...views, evidence }, actor, now);
  if (granted.kept.length > 0) {
    const kept = { reason: 'last_admin', evidence: { kept: granted.kept } };
    await recordAudit(tx, { kind: 'roles.kept', ...head, ...kept }, actor, now);
  }
  if (!created) await recordRoleDifference(tx, told, actor, now);
  if (!created && JSON.stringify(user.profile) !== JSON.stringify(after.profile)) {
    await putIntoOutbox(tx, 'user.changed', user.id, { profile: after.profile }, now);
  }
}
