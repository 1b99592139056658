import type { OperationNodeSource } from 'kysely';
import type { Actor } from '../core/actor.ts';
import { toGrantReason } from '../core/grant-reason.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import { hasAccess } from '../core/lifecycle.ts';
import type { RoleMapping } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, type GrantReason, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { grantsOf, lockUser, toUser } from '../db/users.ts';
import type { AccessOutcome, RolesChange, RolesMode } from './change.ts';
import { isPrivileged, lockPrivilegedRoles, rolesThatMustStay } from './privileged.ts';
import { auditViewOf, putIntoOutbox, recordAudit } from './record.ts';
import { endSessionsOfUser } from './session-end.ts';
import { writeTogether } from './together.ts';

/** What a mapping does to the grants of one connection. */
export interface GrantWork {
  readonly connectionId: ConnectionId;
  readonly mapping: Extract<RoleMapping, { kind: 'known' }>;
  readonly mode: RolesMode;
  readonly seenIn: 'assertion' | 'directory';
  readonly privilegedRoles: ReadonlySet<string>;
  /** The user had no access, and so cannot be the last who holds a role. */
  readonly unguarded?: boolean;
}

/** What became of the grants. */
export interface GrantResult {
  /** All roles that the user holds afterwards, over every connection. */
  readonly roles: readonly string[];
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  /** Privileged roles that the mapping no longer gives, kept because too few people hold them. */
  readonly kept: readonly string[];
  /** Roles whose grant by this connection goes; another grant may still give them. */
  readonly dropped: readonly string[];
}

/** Roles as the directory, or the assertion of a refused sign-in, shows them. See `apply`. */
export async function changeRoles(
  tx: Tx,
  change: RolesChange,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  // The lock comes before the row's, whatever will be lost: the order prevents deadlocks.
  await lockPrivilegedRoles(tx);
  const user = await lockUser(tx, change.userId);
  if (user === null) return { kind: 'refused', code: 'no_such_user', user: null };
  if (actor.kind === 'sweep' && user.owner !== 'roll') {
    return { kind: 'refused', code: 'not_owned', user };
  }
  if (actor.kind === 'sweep' && user.protected) return { kind: 'refused', code: 'protected', user };
  if (change.expectedVersion !== null && change.expectedVersion !== user.version) {
    return { kind: 'stale', why: 'version_changed' };
  }
  // What somebody held when access ended is kept as it was, for the day of return (invariant 6).
  if (!hasAccess(user.state)) return { kind: 'refused', code: 'deactivated', user };
  if (change.seenIn === 'directory' && isSeenSince(user.lastAssertionAt, change.observedAt)) {
    return { kind: 'stale', why: 'signed_in_since' };
  }
  if (isNewer(user.groupsSeenAt, change.observedAt)) return { kind: 'stale', why: 'newer_groups' };
  const before = await grantsOf(tx, user.id);
  const result = await writeGrants(tx, user.id, before, change, actor, now);
  const row = await tx
    .updateTable('users')
    .set({
      groups: [...change.groups],
      groups_seen_at: toTimestamp(change.observedAt),
      version: user.version + 1,
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const after = toUser(row);
  await recordRoles(tx, { user, after, before, result, change }, actor, now);
  // No role, no entry: sign-in would refuse them, so a session that is open must not outlive it.
  const none = result.roles.length === 0;
  const sessionsEnded = none ? await endSessionsOfUser(tx, user.id, 'no_role', now) : 0;
  return {
    kind: 'applied',
    user: after,
    roles: result.roles,
    created: false,
    sessionsEnded,
    kept: result.kept,
    before: { user, grants: before },
  };
}

/** Whether a sign-in is as new as what was observed, by our own clock alone (invariant 3). */
export function isSeenSince(lastAssertionAt: EpochMs | null, observedAt: EpochMs): boolean {
  return lastAssertionAt !== null && lastAssertionAt >= observedAt;
}

/** Whether what is known is newer than what was observed. */
export function isNewer(known: EpochMs | null, observed: EpochMs): boolean {
  return known !== null && known > observed;
}

/**
 * Writes the roll-channel grants of one connection as the mapping has them.
 * Grants of other connections and channels stay. Call with the user's row
 * locked and, where anything privileged may be lost, under the privileged lock.
 */
export async function writeGrants(
  tx: Tx,
  userId: UserId,
  before: readonly Grant[],
  work: GrantWork,
  actor: Actor,
  now: EpochMs,
): Promise<GrantResult> {
  const result = await decideGrants(tx, userId, before, work, actor);
  await writeTogether(tx, grantChanges(tx, userId, result, work, now));
  return result;
}

/**
 * Says what a mapping makes of a user's grants. Nobody else changes them: the caller
 * has locked the user's row, and has read `before` since.
 */
export async function decideGrants(
  tx: Tx,
  userId: UserId,
  before: readonly Grant[],
  work: GrantWork,
  actor: Actor,
): Promise<GrantResult> {
  const ours = before.filter((g) => g.connectionId === work.connectionId && g.channel === 'roll');
  const wanted = new Set(work.mapping.roles);
  const dropped = work.mode === 'authoritative' ? ours.filter((g) => !wanted.has(g.role)) : [];
  const kept = work.unguarded ? [] : await mustStay(tx, userId, before, dropped, work, actor);
  const gone = dropped.filter((grant) => !kept.includes(grant.role));

  const held = new Set(before.map((grant) => grant.role));
  const remaining = before.filter((grant) => !gone.includes(grant)).map((grant) => grant.role);
  const roles = [...new Set([...remaining, ...wanted])].sort();
  return {
    roles,
    gained: roles.filter((role) => !held.has(role)),
    lost: [...held].filter((role) => !roles.includes(role)).sort(),
    kept,
    dropped: gone.map((grant) => grant.role),
  };
}

/** The statements that carry out what {@link decideGrants} said: to be run together. */
export function grantChanges(
  tx: Tx,
  userId: UserId,
  { dropped }: GrantResult,
  work: GrantWork,
  now: EpochMs,
): readonly OperationNodeSource[] {
  const changes: OperationNodeSource[] = [];
  if (dropped.length > 0) changes.push(deleteGrants(tx, userId, work.connectionId, dropped));
  if (work.mapping.roles.length > 0) changes.push(upsertGrants(tx, userId, work, now));
  return changes;
}

/** A role that another grant still gives is not lost, so it needs no guard. */
async function mustStay(
  tx: Tx,
  userId: UserId,
  before: readonly Grant[],
  dropped: readonly Grant[],
  work: GrantWork,
  actor: Actor,
): Promise<readonly string[]> {
  const gone = dropped
    .filter((grant) => isPrivileged(grant, work.privilegedRoles))
    .map((grant) => grant.role)
    .filter((role) => !before.some((grant) => grant.role === role && !dropped.includes(grant)));
  return rolesThatMustStay(tx, userId, gone, actor);
}

function deleteGrants(
  tx: Tx,
  userId: UserId,
  connectionId: ConnectionId,
  roles: readonly string[],
): OperationNodeSource {
  return tx
    .deleteFrom('grants')
    .where('user_id', '=', userId)
    .where('connection_id', '=', connectionId)
    .where('channel', '=', 'roll')
    .where('role', 'in', [...roles]);
}

function upsertGrants(tx: Tx, userId: UserId, work: GrantWork, now: EpochMs): OperationNodeSource {
  const rows = work.mapping.roles.map((role) => ({
    user_id: userId,
    role,
    connection_id: work.connectionId,
    channel: 'roll' as const,
    seen_in: work.seenIn,
    privileged: work.privilegedRoles.has(role),
    because: JSON.stringify(reasonsFor(role, work)),
    first_seen_at: toTimestamp(now),
    last_seen_at: toTimestamp(now),
  }));
  return tx
    .insertInto('grants')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'role', 'connection_id', 'channel']).doUpdateSet((set) => ({
        seen_in: set.ref('excluded.seen_in'),
        privileged: set.ref('excluded.privileged'),
        because: set.ref('excluded.because'),
        last_seen_at: set.ref('excluded.last_seen_at'),
      })),
    );
}

function reasonsFor(role: string, work: GrantWork): readonly GrantReason[] {
  return work.mapping.because.filter((reason) => reason.role === role).map(toGrantReason);
}

async function recordRoles(
  tx: Tx,
  told: {
    user: User;
    after: User;
    before: readonly Grant[];
    result: GrantResult;
    change: RolesChange;
  },
  actor: Actor,
  now: EpochMs,
): Promise<void> {
  const { user, after, before, result, change } = told;
  const had = rolesOf(before);
  const head = { userId: user.id, connectionId: change.connectionId };
  if (result.kept.length > 0) {
    const evidence = { ...change.evidence, kept: result.kept };
    await recordAudit(
      tx,
      { kind: 'roles.kept', ...head, reason: 'last_admin', evidence },
      actor,
      now,
    );
  }
  if (result.gained.length === 0 && result.lost.length === 0) return;
  await recordAudit(
    tx,
    {
      kind: 'roles.changed',
      ...head,
      reason: change.reason,
      evidence: change.evidence,
      before: auditViewOf(user, had),
      after: auditViewOf(after, result.roles),
    },
    actor,
    now,
  );
  const payload = { gained: result.gained, lost: result.lost, roles: result.roles };
  await putIntoOutbox(tx, 'roles.changed', user.id, payload, now);
}
