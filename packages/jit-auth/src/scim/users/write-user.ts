import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import { lockUserWithGrants } from '@rollcall/shared/access/privileged';
import { insertScimNewcomer, type ScimNewcomer } from '@rollcall/shared/access/scim-newcomer';
import { provisionByScim } from '@rollcall/shared/access/scim-provision';
import { writeScimRoles } from '@rollcall/shared/access/scim-roles';
import { updateByScim } from '@rollcall/shared/access/scim-update';
import { type DirectoryId, type Subject, toUserId, type UserId } from '@rollcall/shared/core/ids';
import type { User } from '@rollcall/shared/core/user';
import { type Database, inTransaction, type Tx, tryAgain } from '@rollcall/shared/db/database';
import { roleFactsOf } from '@rollcall/shared/db/scim-groups';
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
import { isSameValue, type ScimObject } from '../resource/scim-value.ts';
import { ruledAttributes, type UserFacts, userFacts } from '../resource/user-facts.ts';
import { scimRoles } from '../role-mapping.ts';
import { badRequest } from '../scim-error.ts';
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
    await settleState(tx, call, user, facts.active);
    await settleRoles(tx, call, user.id, 'scim_provisioned');
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
    const shown = { ...(held.resource as ScimObject), active: held.active };
    const edited = edit({ ...held, resource: shown });
    const facts = userFacts(edited, false);
    // Whom an administrator has shut out is shown as inactive: that the client says so too
    // is another thing, and counts on the day when the administrator gives it back.
    if (isSameValue(edited, shown) && facts.active === held.said) return held;
    // What takes access away is never refused for an address.
    if (facts.active && facts.profile.email !== user.profile.email) requireOwnDomain(call, facts);
    await updateScimUser(tx, id, facts, call.now);
    const identity = identityOf(call, facts);
    const change = { userId: id, profile: facts.profile, ...identity, reference: call.reference };
    const updated = await updateByScim(tx, change, call.actor, call.now);
    if (updated.kind === 'refused') throw accessRefused(updated.code);
    const otherState = facts.active !== held.active;
    if (otherState) await settleState(tx, call, updated.user, facts.active);
    if (otherState || !isRuledAlike(shown, edited)) await settleRoles(tx, call, id, 'scim_changed');
    return requireRecord(tx, call, id);
  });
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

/** Writes the roles that a user's groups and attributes give now. */
async function settleRoles(tx: Tx, call: ScimCall, id: UserId, reason: string): Promise<void> {
  const facts = await roleFactsOf(tx, [id]);
  const people = new Map(facts.map((one) => [one.userId, scimRoles(one, call.connection)]));
  const { connection, actor, now, reference } = call;
  const { id: connectionId, privilegedRoles } = connection;
  const change = { connectionId, people, privilegedRoles, reason, reference };
  const written = await writeScimRoles(tx, change, actor, now);
  if (written.kind === 'refused') throw accessRefused(written.code, written.user, written.roles);
}

/** Makes access be what the client says. */
async function settleState(tx: Tx, call: ScimCall, user: User, active: boolean): Promise<void> {
  if (!active) return endAccess(tx, call, user, 'scim_inactive');
  const outcome = await apply(
    tx,
    { kind: 'restore', ...stepOf(call, user, 'scim_active') },
    call.actor,
    call.now,
  );
  if (outcome.kind === 'refused' && outcome.code !== 'illegal_step')
    throw accessRefused(outcome.code, outcome.user);
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
