import { type Actor, causeOf } from '../core/actor.ts';
import type { AuditKind } from '../core/audit-event.ts';
import { HELD, judgeStep, type StepVerdict } from '../core/lifecycle.ts';
import { isToWait, restsOnSignIn, signInHealth } from '../core/sign-in-health.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, isPurged, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { isActiveOverScim } from '../db/scim-users.ts';
import { readSignInFacts } from '../db/sign-in-facts.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { grantsOf, lockUser, toUser } from '../db/users.ts';
import type { AccessOutcome, StateChange } from './change.ts';
import {
  isPrivileged,
  lockUserWithGrants,
  rolesNobodyElseUses,
  rolesThatMustStay,
} from './privileged.ts';
import { auditViewOf, putIntoOutbox, recordAudit } from './record.ts';
import { isSeenSince } from './role-change.ts';
import { endSessionsOfUser } from './session-end.ts';

const AUDITED_AS: Readonly<Record<StateChange['kind'], AuditKind>> = {
  suspect: 'user.suspected',
  contain: 'user.contained',
  release: 'user.released',
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
  const verdict = judgeStep(asDecided(user, change), change.kind, causeOf(actor));
  const objection = await objectionTo(tx, change, { user, grants, verdict }, actor, now);
  if (objection !== null) return objection;
  if (verdict.kind !== 'step') throw new RangeError('a step without a verdict');
  if (change.kind === 'restore' && (await isInactiveOverScim(tx, user, actor))) {
    return leaveToScim(tx, { user, grants }, change, actor, now);
  }
  const after = await writeState(tx, user, verdict, change, now);
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

/**
 * Whoever a held plan has had contained is contained until it ends. A decision to contain
 * them is another thing, which stays when the plan is over: nothing of it is done already.
 */
function asDecided(user: User, change: StateChange): User {
  return takesOverHold(user, change) ? { ...user, state: 'active' } : user;
}

function takesOverHold(user: User, change: StateChange): boolean {
  if (change.kind !== 'contain' || change.reason === HELD) return false;
  return user.state === 'contained' && user.stateReason === HELD;
}

/**
 * Only a deactivation takes a privileged role out of use, and only a containment asks for a
 * sign-in before it is used again: so only they wait their turn.
 */
async function lockFor(
  tx: Tx,
  change: StateChange,
): Promise<{ readonly user: User; readonly grants: readonly Grant[] } | null> {
  if (change.kind === 'deactivate' || change.kind === 'contain')
    return lockUserWithGrants(tx, change.userId, change.privilegedRoles ?? new Set());
  const user = await lockUser(tx, change.userId);
  return user === null ? null : { user, grants: await grantsOf(tx, user.id) };
}

interface Judged {
  readonly user: User;
  readonly grants: readonly Grant[];
  readonly verdict: StepVerdict;
}

/** Why the change may not be made, in the order in which a reader would ask. */
async function objectionTo(
  tx: Tx,
  change: StateChange,
  { user, grants, verdict }: Judged,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome | null> {
  if (isPurged(user)) return { kind: 'refused', code: 'purged', user };
  if (verdict.kind === 'done') return { kind: 'unchanged', user };
  const code = verdict.kind === 'refused' ? verdict.code : null;
  if (code === 'not_owned' || code === 'protected') return { kind: 'refused', code, user };
  if (isStale(change, user)) return staleOutcome(change, user);
  if (code !== null) return { kind: 'refused', code, user };
  if (await isSignInDoubtful(tx, change, user, actor, now)) {
    return { kind: 'refused', code: 'sign_in_doubtful', user };
  }
  const must = await privilegedAtStake(tx, change, user, grants, actor);
  return must.length > 0 ? { kind: 'refused', code: 'last_admin', user } : null;
}

/**
 * Whether a program would ask for a sign-in that may not be possible, or end access because
 * there was none.
 */
async function isSignInDoubtful(
  tx: Tx,
  { kind, reason }: StateChange,
  user: User,
  actor: Actor,
  now: EpochMs,
): Promise<boolean> {
  if (actor.kind !== 'sweep') return false;
  if (kind !== 'contain' && !(kind === 'deactivate' && restsOnSignIn(reason))) return false;
  const health = signInHealth(await readSignInFacts(tx, user.connectionId), now);
  return kind === 'contain' ? health.kind !== 'healthy' : isToWait(reason, health, now);
}

/**
 * Whether SCIM says of one of its people that they are inactive, or has deleted them: an
 * administrator gives back what an administrator took, and SCIM's stays SCIM's.
 */
async function isInactiveOverScim(tx: Tx, user: User, actor: Actor): Promise<boolean> {
  if (user.owner !== 'scim' || actor.kind === 'scim') return false;
  return !(await isActiveOverScim(tx, user.id));
}

/**
 * An administrator gives back what an administrator took; that SCIM says inactive stands,
 * and is the cause from here on. Else neither could let them in: to SCIM the
 * administrator's end would be in the way, and to the administrator SCIM's.
 */
async function leaveToScim(
  tx: Tx,
  { user, grants }: { readonly user: User; readonly grants: readonly Grant[] },
  { evidence }: StateChange,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const row = await tx
    .updateTable('users')
    .set({ cause: 'scim', state_reason: 'scim_inactive', version: user.version + 1 })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const after = toUser(row);
  const roles = rolesOf(grants);
  const views = { before: auditViewOf(user, roles), after: auditViewOf(after, roles) };
  const head = { userId: user.id, connectionId: user.connectionId, reason: 'left_to_scim' };
  await recordAudit(tx, { kind: 'user.changed', ...head, evidence, ...views }, actor, now);
  const before = { user, grants };
  const outcome = { roles, created: false, sessionsEnded: 0, kept: [], before };
  return { kind: 'applied', user: after, ...outcome };
}

/** The privileged roles that too few would be left to exercise (invariant 8). */
async function privilegedAtStake(
  tx: Tx,
  change: StateChange,
  user: User,
  grants: readonly Grant[],
  actor: Actor,
): Promise<readonly string[]> {
  const declared = change.privilegedRoles ?? new Set<string>();
  const privileged = [
    ...new Set(grants.filter((g) => isPrivileged(g, declared)).map((g) => g.role)),
  ];
  if (change.kind === 'deactivate' && user.cause === null) {
    return rolesThatMustStay(tx, user.id, privileged, actor);
  }
  const automatic = actor.kind !== 'operator';
  if (change.kind !== 'contain' || !automatic) return [];
  return rolesNobodyElseUses(tx, user.id, privileged);
}

/** Whether something newer than the decision happened (invariant 3). */
function isStale(change: StateChange, user: User): boolean {
  return versionMoved(change, user) || signedInSince(change, user) || provesNoReturn(change, user);
}

function givesBack(change: StateChange): boolean {
  return change.kind === 'restore' || change.kind === 'release';
}

/** What was observed before a state began says nothing of its end (invariant 5). */
function provesNoReturn(change: StateChange, user: User): boolean {
  if (!givesBack(change) || change.observedAt === null) return false;
  return change.observedAt <= user.stateChangedAt;
}

function versionMoved(change: StateChange, user: User): boolean {
  return change.expectedVersion !== null && change.expectedVersion !== user.version;
}

function signedInSince(change: StateChange, user: User): boolean {
  if (change.observedAt === null || givesBack(change)) return false;
  return isSeenSince(user.lastAssertionAt, change.observedAt);
}

function staleOutcome(change: StateChange, user: User): AccessOutcome {
  if (signedInSince(change, user)) return { kind: 'stale', why: 'signed_in_since' };
  return { kind: 'stale', why: versionMoved(change, user) ? 'version_changed' : 'newer_state' };
}

/** A person who releases somebody has seen nobody in a directory. */
function isConfirmed({ kind, observedAt }: StateChange): boolean {
  return kind === 'restore' || (kind === 'release' && observedAt !== null);
}

function isReturn(change: StateChange, before: User): boolean {
  return change.kind === 'restore' && before.cause !== null;
}

async function writeState(
  tx: Tx,
  user: User,
  { next, cause }: Extract<StepVerdict, { kind: 'step' }>,
  change: StateChange,
  now: EpochMs,
): Promise<User> {
  const row = await tx
    .updateTable('users')
    .set({
      state: next,
      cause,
      state_reason: change.reason,
      // They were asked for a sign-in then; one that was begun since answers this question too.
      state_changed_at: toTimestamp(takesOverHold(user, change) ? user.stateChangedAt : now),
      epoch: change.kind === 'deactivate' ? user.epoch + 1 : user.epoch,
      version: user.version + 1,
      ...(isConfirmed(change) ? { last_confirmed_at: toTimestamp(now) } : {}),
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toUser(row);
}
