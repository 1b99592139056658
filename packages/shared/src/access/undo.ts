import type { Actor } from '../core/actor.ts';
import { hasAccess } from '../core/lifecycle.ts';
import { signInHealth } from '../core/sign-in-health.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, isPurged, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { readSignInFacts } from '../db/sign-in-facts.ts';
import { grantsOf, lockUser, toUser } from '../db/users.ts';
import type { AccessOutcome, RefusalCode, Undo } from './change.ts';
import {
  isPrivileged,
  lockPrivilegedRoles,
  rolesNobodyElseUses,
  rolesThatMustStay,
} from './privileged.ts';
import { auditViewOf, putIntoOutbox, recordAudit } from './record.ts';
import { endSessionsOfUser } from './session-end.ts';
import type { UndoRecord } from './undo-record.ts';

/**
 * Takes back what a line of a plan did to somebody: state and grants as they were, to
 * the byte. Sessions that ended stay ended. Only while nothing newer has happened to
 * the user: whatever it was, it knew more than the plan. Where the plan had given
 * access back, undoing takes it, under the rules of every other end of access.
 */
export async function undoChange(
  tx: Tx,
  change: Undo,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  // Before the row's lock, whatever is at stake: the order prevents deadlocks.
  await lockPrivilegedRoles(tx);
  const user = await lockUser(tx, change.userId);
  if (user === null) return { kind: 'refused', code: 'no_such_user', user: null };
  if (isPurged(user)) return { kind: 'refused', code: 'purged', user };
  const { record } = change;
  if (user.version !== record.version) return { kind: 'stale', why: 'version_changed' };
  const grants = await grantsOf(tx, user.id);
  const takesAccess = hasAccess(user.state) && !hasAccess(record.state);
  if (takesAccess && user.protected) return { kind: 'refused', code: 'protected', user };
  const stay = await privilegedAtStake(tx, change, user, grants, takesAccess, actor);
  if (stay.length > 0) return { kind: 'refused', code: 'last_admin', user };
  const code = await objectionToContain(tx, change, { user, grants }, now);
  if (code !== null) return { kind: 'refused', code, user };

  if (record.roles !== null) await putGrantsBack(tx, user, record.roles.grants);
  const after = await putStateBack(tx, user, record, takesAccess);
  const held = await grantsOf(tx, user.id);
  const roles = rolesOf(held);
  const reason = takesAccess ? (record.state_reason ?? 'undone') : 'no_role';
  const ends = takesAccess || roles.length === 0;
  const sessionsEnded = ends ? await endSessionsOfUser(tx, user.id, reason, now) : 0;
  await recordUndo(tx, { user, after, had: rolesOf(grants), roles, change }, actor, now);
  return { kind: 'applied', user: after, roles, created: false, sessionsEnded, kept: [] };
}

/**
 * Where the plan had released somebody, undoing asks them for a sign-in again: under the
 * rules of every other containment, for nobody asked for that one by name.
 */
async function objectionToContain(
  tx: Tx,
  { record, privilegedRoles }: Undo,
  { user, grants }: { readonly user: User; readonly grants: readonly Grant[] },
  now: EpochMs,
): Promise<RefusalCode | null> {
  if (record.state !== 'contained' || !hasAccess(user.state) || user.state === 'contained') {
    return null;
  }
  if (user.protected) return 'protected';
  const health = signInHealth(await readSignInFacts(tx, user.connectionId), now);
  if (health.kind !== 'healthy') return 'sign_in_doubtful';
  const held = rolesOf(grants.filter((grant) => isPrivileged(grant, privilegedRoles)));
  const used = await rolesNobodyElseUses(tx, user.id, held);
  return used.length > 0 ? 'last_admin' : null;
}

async function privilegedAtStake(
  tx: Tx,
  { record, privilegedRoles }: Undo,
  user: User,
  grants: readonly Grant[],
  takesAccess: boolean,
  actor: Actor,
): Promise<readonly string[]> {
  const back = new Set(record.roles?.grants.map((grant) => grant.role));
  const goes = (grant: Grant): boolean =>
    takesAccess || (record.roles !== null && isOurs(grant, user) && !back.has(grant.role));
  const going = grants.filter((grant) => isPrivileged(grant, privilegedRoles) && goes(grant));
  return rolesThatMustStay(tx, user.id, [...new Set(going.map((grant) => grant.role))], actor);
}

function isOurs(grant: Grant, user: User): boolean {
  return grant.connectionId === user.connectionId && grant.channel === 'roll';
}

/** The grants of the user's connection over the roll become exactly those that were. */
async function putGrantsBack(
  tx: Tx,
  user: User,
  grants: NonNullable<UndoRecord['roles']>['grants'],
): Promise<void> {
  await tx
    .deleteFrom('grants')
    .where('user_id', '=', user.id)
    .where('connection_id', '=', user.connectionId)
    .where('channel', '=', 'roll')
    .execute();
  if (grants.length === 0) return;
  await tx
    .insertInto('grants')
    .values(
      grants.map((grant) => ({
        user_id: user.id,
        role: grant.role,
        connection_id: user.connectionId,
        channel: 'roll' as const,
        seen_in: grant.seen_in,
        privileged: grant.privileged,
        because: JSON.stringify(grant.because),
        first_seen_at: new Date(grant.first_seen_at),
        last_seen_at: new Date(grant.last_seen_at),
      })),
    )
    .execute();
}

async function putStateBack(
  tx: Tx,
  user: User,
  record: UndoRecord,
  takesAccess: boolean,
): Promise<User> {
  const { roles } = record;
  const row = await tx
    .updateTable('users')
    .set({
      state: record.state,
      cause: record.cause,
      state_reason: record.state_reason,
      state_changed_at: new Date(record.state_changed_at),
      // What a directory has said since the change stays true.
      ...(isConfirmedSince(user)
        ? {}
        : { last_confirmed_at: dateOrNull(record.last_confirmed_at) }),
      // It never falls: sessions of before the plan stay dead.
      epoch: takesAccess ? user.epoch + 1 : user.epoch,
      version: user.version + 1,
      ...(roles === null
        ? {}
        : {
            groups: roles.groups === null ? null : [...roles.groups],
            groups_seen_at: dateOrNull(roles.groups_seen_at),
          }),
    })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toUser(row);
}

/** Only a return is itself a confirmation, and has the time of its state. */
function isConfirmedSince({ lastConfirmedAt, stateChangedAt }: User): boolean {
  return lastConfirmedAt !== null && lastConfirmedAt !== stateChangedAt;
}

function dateOrNull(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

interface Told {
  readonly user: User;
  readonly after: User;
  readonly had: readonly string[];
  readonly roles: readonly string[];
  readonly change: Undo;
}

async function recordUndo(tx: Tx, told: Told, actor: Actor, now: EpochMs): Promise<void> {
  const { user, after, had, roles, change } = told;
  const head = { userId: user.id, connectionId: user.connectionId, reason: change.reason };
  const { evidence } = change;
  const views = { before: auditViewOf(user, had), after: auditViewOf(after, roles) };
  await recordAudit(tx, { kind: 'user.undone', ...head, evidence, ...views }, actor, now);
  if (hasAccess(user.state) !== hasAccess(after.state)) {
    const kind = hasAccess(after.state) ? 'user.restored' : 'user.deactivated';
    await putIntoOutbox(tx, kind, user.id, { reason: 'undone', subject: user.subject }, now);
  }
  const gained = roles.filter((role) => !had.includes(role));
  const lost = had.filter((role) => !roles.includes(role));
  if (gained.length + lost.length === 0) return;
  await putIntoOutbox(tx, 'roles.changed', user.id, { gained, lost, roles }, now);
}
