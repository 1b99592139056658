import type { Actor } from '../core/actor.ts';
import type { ConnectionId, Subject } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { rolesOf } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { grantsOf, lockUser, toUser } from '../db/users.ts';
import type { AccessOutcome, ProtectionChange } from './change.ts';
import { recordAudit } from './record.ts';

/**
 * Makes `protected` say what the configuration says now, for everybody of a connection:
 * whoever was taken off the list, and has left, never signs in again to be told.
 */
export async function protectSubjects(
  tx: Tx,
  connectionId: ConnectionId,
  subjects: ReadonlySet<Subject>,
): Promise<void> {
  const listed = [...subjects];
  const users = tx.updateTable('users').where('connection_id', '=', connectionId);
  const off = users.set({ protected: false }).where('protected', '=', true);
  if (listed.length === 0) {
    await off.execute();
    return;
  }
  await off.where('subject', 'not in', listed).execute();
  await users
    .set({ protected: true })
    .where('protected', '=', false)
    .where('subject', 'in', listed)
    .execute();
}

/**
 * Protects a user by hand, or no longer. What the configuration says is another thing:
 * whoever it names stays protected.
 */
export async function changeProtection(
  tx: Tx,
  change: ProtectionChange,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  if (actor.kind !== 'operator') return { kind: 'refused', code: 'not_by_hand', user: null };
  const user = await lockUser(tx, change.userId);
  if (user === null) return { kind: 'refused', code: 'no_such_user', user: null };
  const wanted = change.kind === 'protect';
  if (user.protectedByAdmin === wanted) return { kind: 'unchanged', user };
  const row = await tx
    .updateTable('users')
    // The version stays: whoever would take access asks for protection under the lock, and
    // a plan that was wrong can still be taken back for whom it made somebody protect.
    .set({ protected_by_admin: wanted })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const kind = wanted ? ('user.protected' as const) : ('user.unprotected' as const);
  const head = { userId: user.id, connectionId: user.connectionId, reason: 'by_admin' };
  await recordAudit(tx, { kind, ...head, evidence: change.evidence }, actor, now);
  const roles = rolesOf(await grantsOf(tx, user.id));
  return { kind: 'applied', user: toUser(row), roles, created: false, sessionsEnded: 0, kept: [] };
}
