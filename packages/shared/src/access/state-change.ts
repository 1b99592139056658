import { type Actor, causeOf } from '../core/actor.ts';
import type { AuditKind } from '../core/audit-event.ts';
import { type Cause, mayRestore, nextState, takesOver, type UserState } from '../core/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { grantsOf, lockUser, toUser } from '../db/users.ts';
import type { AccessOutcome, StateChange } from './change.ts';
import { isPrivileged, lockUserWithGrants, rolesThatMustStay } from './privileged.ts';
import { auditViewOf, putIntoOutbox, recordAudit } from './record.ts';
import { isSeenSince } from './role-change.ts';
import { endSessionsOfUser } from './session-end.ts';

const AUDITED_AS: Readonly<Record<StateChange['kind'], AuditKind>> = {
  suspect: 'user.suspected',
  contain: 'user.contained',
  deactivate: 'user.deactivated',
  restore: 'user.restored',
};

/** A step in a user's life. See `apply` for what it checks and how it answers. */
export async function changeState(
  tx: Tx,
  change: StateChange,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const locked = await lockFor(tx, change);
  if (locked === null) return { kind: 'refused', code: 'no_such_user', user: null };
  const { user, grants } = locked;
  const objection = await objectionTo(tx, change, user, grants, actor);
  if (objection !== null) return objection;

  // A weightier cause takes a deactivation over: the state stays, the cause changes.
  const next =
    user.cause !== null && change.kind === 'deactivate'
      ? user.state
      : nextState(user.state, change.kind);
  if (next === null) return { kind: 'refused', code: 'illegal_step', user };
  const after = await writeState(tx, user, next, change, actor, now);
  const sessionsEnded =
    change.kind === 'deactivate' ? await endSessionsOfUser(tx, user.id, change.reason, now) : 0;

  const roles = rolesOf(grants);
  await recordAudit(
    tx,
    {
      kind: AUDITED_AS[change.kind],
      userId: user.id,
      connectionId: user.connectionId,
      reason: change.reason,
      evidence: { ...change.evidence, sessionsEnded },
      before: auditViewOf(user, roles),
      after: auditViewOf(after, roles),
    },
    actor,
    now,
  );
  if (change.kind === 'deactivate' || isReturn(change, user)) {
    const kind = change.kind === 'deactivate' ? 'user.deactivated' : 'user.restored';
    await putIntoOutbox(tx, kind, user.id, { reason: change.reason, subject: user.subject }, now);
  }
  const before = { user, grants };
  return { kind: 'applied', user: after, roles, created: false, sessionsEnded, kept: [], before };
}

/** Only a deactivation takes a privileged role out of use, so only it waits its turn. */
async function lockFor(
  tx: Tx,
  change: StateChange,
): Promise<{ readonly user: User; readonly grants: readonly Grant[] } | null> {
  if (change.kind === 'deactivate')
    return lockUserWithGrants(tx, change.userId, change.privilegedRoles ?? new Set());
  const user = await lockUser(tx, change.userId);
  return user === null ? null : { user, grants: await grantsOf(tx, user.id) };
}

/** Why the change may not be made, in the order in which a reader would ask. */
async function objectionTo(
  tx: Tx,
  change: StateChange,
  user: User,
  grants: readonly Grant[],
  actor: Actor,
): Promise<AccessOutcome | null> {
  if (isDone(change, user, causeOf(actor))) return { kind: 'unchanged', user };
  const automatic = actor.kind !== 'operator';
  if (change.kind !== 'restore' && automatic) {
    if (user.owner !== 'roll') return { kind: 'refused', code: 'not_owned', user };
    if (user.protected) return { kind: 'refused', code: 'protected', user };
  }
  if (isStale(change, user)) return staleOutcome(change, user);
  const cause = causeOf(actor);
  if (change.kind === 'deactivate' && cause === null) {
    return { kind: 'refused', code: 'other_cause', user };
  }
  if (change.kind === 'restore' && !mayBeRestoredBy(user, cause)) {
    return { kind: 'refused', code: 'other_cause', user };
  }
  if (change.kind === 'deactivate' && user.cause === null) {
    const declared = change.privilegedRoles ?? new Set<string>();
    const privileged = [
      ...new Set(grants.filter((g) => isPrivileged(g, declared)).map((g) => g.role)),
    ];
    const must = await rolesThatMustStay(tx, user.id, privileged, actor);
    if (must.length > 0) return { kind: 'refused', code: 'last_admin', user };
  }
  return null;
}

function isDone(change: StateChange, user: User, cause: Cause | null): boolean {
  const state = user.state;
  switch (change.kind) {
    case 'suspect':
      return state === 'suspected';
    case 'contain':
      return state === 'contained';
    case 'deactivate':
      return user.cause !== null && !(cause !== null && takesOver(user.cause, cause));
    case 'restore':
      return state === 'active';
    default:
      return change.kind satisfies never;
  }
}

/** Whether something newer than the decision happened (invariant 3). */
function isStale(change: StateChange, user: User): boolean {
  return versionMoved(change, user) || signedInSince(change, user) || provesNoReturn(change, user);
}

/** What was observed before a state began says nothing of its end (invariant 5). */
function provesNoReturn(change: StateChange, user: User): boolean {
  if (change.kind !== 'restore' || change.observedAt === null) return false;
  return change.observedAt <= user.stateChangedAt;
}

function versionMoved(change: StateChange, user: User): boolean {
  return change.expectedVersion !== null && change.expectedVersion !== user.version;
}

function signedInSince(change: StateChange, user: User): boolean {
  if (change.observedAt === null || change.kind === 'restore') return false;
  return isSeenSince(user.lastAssertionAt, change.observedAt);
}

function staleOutcome(change: StateChange, user: User): AccessOutcome {
  if (signedInSince(change, user)) return { kind: 'stale', why: 'signed_in_since' };
  return { kind: 'stale', why: versionMoved(change, user) ? 'version_changed' : 'newer_state' };
}

/** Only the cause of a deactivation ends it; a suspicion has none and yields to any evidence. */
function mayBeRestoredBy(user: User, cause: Cause | null): boolean {
  if (user.cause === null) return true;
  return cause !== null && mayRestore(user.cause, cause);
}

function isReturn(change: StateChange, before: User): boolean {
  return change.kind === 'restore' && before.cause !== null;
}

async function writeState(
  tx: Tx,
  user: User,
  next: UserState,
  change: StateChange,
  actor: Actor,
  now: EpochMs,
): Promise<User> {
  const row = await tx
    .updateTable('users')
    .set({
      state: next,
      cause: change.kind === 'deactivate' ? causeOf(actor) : null,
      state_reason: change.reason,
      state_changed_at: toTimestamp(now),
      epoch: change.kind === 'deactivate' ? user.epoch + 1 : user.epoch,
      version: user.version + 1,
      ...(change.kind === 'restore' ? { last_confirmed_at: toTimestamp(now) } : {}),
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toUser(row);
}
