import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import { lockUserWithGrants } from '@rollcall/shared/access/privileged';
import { insertScimNewcomer, type ScimNewcomer } from '@rollcall/shared/access/scim-newcomer';
import { provisionByScim } from '@rollcall/shared/access/scim-provision';
import { updateByScim } from '@rollcall/shared/access/scim-update';
import { type DirectoryId, type Subject, toUserId, type UserId } from '@rollcall/shared/core/ids';
import type { User } from '@rollcall/shared/core/user';
import { type Database, inTransaction, type Tx, tryAgain } from '@rollcall/shared/db/database';
import {
  deleteScimUser,
  findScimUser,
  insertScimUser,
  type ScimUserRecord,
  updateScimUser,
} from '@rollcall/shared/db/scim-users';
import { emailOutside } from '../../provisioning/profile.ts';
import type { ScimCall } from '../call.ts';
import { raiseKeptAdmin } from '../last-admin-notice.ts';
import {
  accessRefused,
  asScimError,
  LastAdminRefused,
  notFound,
  versionDiffers,
} from '../refusals.ts';
import { heldAt, isSameValue, type ScimObject, withValue } from '../resource/scim-value.ts';
import { ruledAttributes, type UserFacts, userFacts } from '../resource/user-facts.ts';
import { scimRoles } from '../role-mapping.ts';
import { badRequest } from '../scim-error.ts';
import { writeRoles } from '../write-roles.ts';
import { userEtag } from './user-view.ts';

/**
 * Makes a user, or takes over whom sign-ins made known by the same immutable id: all of
 * it is there when this answers, or none. Somebody new is one statement; whoever may have
 * been here before is looked at step by step.
 */
export async function createUser(call: ScimCall, resource: ScimObject): Promise<ScimUserRecord> {
  const facts = userFacts(resource, true);
  requireOwnDomain(call, facts);
  const { actor, now } = call;
  const change = newcomerOf(call, facts);
  const made = await inOneStatement(call, (db) =>
    insertScimNewcomer(db, change, { isKnownNew: false }, actor, now),
  );
  if (made !== null) return made.record;
  return inScimTransaction(call, async (tx) => {
    const provisioned = await provisionByScim(tx, change, actor, now);
    if (provisioned.kind === 'refused') throw accessRefused(provisioned.code);
    if (provisioned.kind === 'created') return provisioned.record;
    const { user } = provisioned;
    await insertScimUser(tx, call.connection.id, user.id, facts, now);
    const isBack = await settleState(tx, call, user, facts.active);
    const returning = isBack ? user.id : null;
    await writeRoles(tx, call, { people: [user.id], reason: 'scim_provisioned', returning });
    return requireRecord(tx, call, user.id);
  });
}

function newcomerOf(call: ScimCall, facts: UserFacts): ScimNewcomer {
  const { connection, reference } = call;
  return {
    newUserId: toUserId(randomUUID()),
    connectionId: connection.id,
    ...identityOf(call, facts),
    protected: connection.protectedSubjects.has(facts.externalId ?? ''),
    profile: facts.profile,
    active: facts.active,
    privilegedRoles: connection.privilegedRoles,
    reference,
    entry: facts,
    mapping: scimRoles({ groups: [], resource: facts.resource }, connection),
  };
}

/** What becomes of the attributes of a user, as they are under the lock. */
export type UserEdit = (held: ScimUserRecord) => ScimObject;

/**
 * Changes a user. Whoever would change the same one waits, so that of two changes at once
 * none is lost. Access that ends has ended, sessions and all, when this answers.
 */
export async function changeUser(
  call: ScimCall,
  id: UserId,
  ifMatch: string | null,
  edit: UserEdit,
): Promise<ScimUserRecord> {
  return inScimTransaction(call, async (tx) => {
    const { user, held } = await lockScimUser(tx, call, id, ifMatch);
    const { edited, active } = editAsSaid(held, edit);
    const facts = userFacts(withValue(edited, 'active', active ?? held.said), false);
    const isShown = active === null || active === held.active;
    const before = withValue(held.resource as ScimObject, 'active', held.said);
    if (isShown && isSameValue(facts.resource, before)) return held;
    const isBack = active === true && !held.active;
    // What takes access away is never refused for an address, so who is back is asked again.
    const otherAddress = facts.profile.email !== user.profile.email;
    if (facts.active && (otherAddress || isBack)) requireOwnDomain(call, facts);
    await updateScimUser(tx, id, facts, call.now);
    const identity = identityOf(call, facts);
    const change = { userId: id, profile: facts.profile, ...identity, reference: call.reference };
    const updated = await updateByScim(tx, change, call.actor, call.now);
    if (updated.kind === 'refused') throw accessRefused(updated.code);
    const returning = !isShown && (await settleState(tx, call, updated.user, facts.active));
    if (!isShown || !isRuledAlike(before, facts.resource)) {
      const whose = { people: [id], reason: 'scim_changed', returning: returning ? id : null };
      await writeRoles(tx, call, whose);
    }
    return requireRecord(tx, call, id);
  });
}

/**
 * Carries an edit out, and finds whether it says that somebody is active; null: it says
 * nothing of that. Whom an administrator has shut out is shown as inactive, and nobody
 * must take what is shown for what the client says: that counts on the day when the
 * administrator gives it back. So an edit of such a person is made of both, and what is
 * different then was not said.
 */
function editAsSaid(
  held: ScimUserRecord,
  edit: UserEdit,
): { readonly edited: ScimObject; readonly active: boolean | null } {
  const editOf = (active: boolean): ScimObject =>
    edit({ ...held, active, resource: { ...(held.resource as ScimObject), active } });
  const edited = editOf(held.active);
  const active = heldAt(edited, 'active') === true;
  if (held.active === held.said) return { edited, active };
  const isSaid = (heldAt(editOf(!held.active), 'active') === true) === active;
  return { edited, active: isSaid ? active : null };
}

/** Deletes a user: access ends, and the client knows them no more. */
export async function deleteUser(
  call: ScimCall,
  id: UserId,
  ifMatch: string | null,
): Promise<void> {
  await inScimTransaction(call, async (tx) => {
    const { user } = await lockScimUser(tx, call, id, ifMatch);
    await endAccess(tx, call, user, 'scim_deleted');
    await deleteScimUser(tx, id);
  });
}

/**
 * Runs work in one transaction; what is taken already is an error of SCIM. That one of the
 * last admins was to go is told before the client is.
 */
export async function inScimTransaction<T>(
  { db, connection, now }: ScimCall,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(db, work);
  } catch (error) {
    if (error instanceof LastAdminRefused) {
      await raiseKeptAdmin(db, { userId: error.userId, connectionId: connection.id }, now);
    }
    throw asScimError(error);
  }
}

/** As {@link inScimTransaction}, for work that is one statement, and so a transaction by itself. */
async function inOneStatement<T>({ db }: ScimCall, work: (db: Database) => Promise<T>): Promise<T> {
  try {
    return await tryAgain(() => work(db));
  } catch (error) {
    throw asScimError(error);
  }
}

/** Whether rules see no difference between attributes. */
function isRuledAlike(one: ScimObject, other: ScimObject): boolean {
  const seen = (resource: ScimObject) => JSON.stringify([...ruledAttributes(resource)]);
  return seen(one) === seen(other);
}

/** Makes access be what the client says. True where it is back. */
async function settleState(tx: Tx, call: ScimCall, user: User, active: boolean): Promise<boolean> {
  if (!active) {
    await endAccess(tx, call, user, 'scim_inactive');
    return false;
  }
  const outcome = await apply(
    tx,
    { kind: 'restore', ...stepOf(call, user, 'scim_active') },
    call.actor,
    call.now,
  );
  if (outcome.kind === 'refused' && outcome.code !== 'illegal_step')
    throw accessRefused(outcome.code, outcome.user);
  return outcome.kind === 'applied' && user.cause !== null;
}

async function endAccess(tx: Tx, call: ScimCall, user: User, reason: string): Promise<void> {
  const change = { kind: 'deactivate' as const, ...stepOf(call, user, reason) };
  const outcome = await apply(tx, change, call.actor, call.now);
  if (outcome.kind === 'refused') throw accessRefused(outcome.code, outcome.user);
}

function stepOf(call: ScimCall, user: User, reason: string) {
  return {
    userId: user.id,
    privilegedRoles: call.connection.privilegedRoles,
    // The client says how things are now, and under the lock nothing is newer.
    expectedVersion: null,
    observedAt: null,
    reason,
    evidence: { reference: call.reference },
  };
}

async function lockScimUser(
  tx: Tx,
  call: ScimCall,
  id: UserId,
  ifMatch: string | null,
): Promise<{ readonly user: User; readonly held: ScimUserRecord }> {
  const { id: connectionId, privilegedRoles } = call.connection;
  const locked = await lockUserWithGrants(tx, id, privilegedRoles);
  const held = locked === null ? null : await findScimUser(tx, connectionId, id);
  if (locked === null || held === null) throw notFound('user');
  requireVersion(ifMatch, userEtag(held));
  return { user: locked.user, held };
}

/** RFC 7644 §3.14. Tags are weak, and compared as such (RFC 9110 §8.8.3.2). */
export function requireVersion(ifMatch: string | null, etag: string): void {
  if (ifMatch === null || ifMatch.trim() === '*') return;
  const plain = (tag: string) => tag.trim().replace(/^W\//, '');
  if (!ifMatch.split(',').some((tag) => plain(tag) === plain(etag))) throw versionDiffers();
}

async function requireRecord(tx: Tx, call: ScimCall, id: UserId): Promise<ScimUserRecord> {
  const record = await findScimUser(tx, call.connection.id, id);
  if (record === null) throw notFound('user');
  return record;
}

/** Who it is, by the immutable id that the client gave. */
function identityOf(
  { connection }: ScimCall,
  { externalId }: UserFacts,
): { readonly subject: Subject | null; readonly directoryId: DirectoryId | null } {
  const directoryId = externalId as DirectoryId | null;
  const isSubject = connection.externalIdIs === 'subject';
  return { subject: isSubject ? (externalId as Subject | null) : null, directoryId };
}

/** A connection vouches for addresses of its own domains alone, over SCIM as at sign-in. */
function requireOwnDomain({ connection }: ScimCall, { profile }: UserFacts): void {
  if (profile.email === null) return;
  if (emailOutside(profile.email, connection.domains) === null) return;
  throw badRequest('invalidValue', 'The e-mail address is of no domain of this connection.');
}
