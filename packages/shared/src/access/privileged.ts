import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { UserId } from '../core/ids.ts';
import type { Tx } from '../db/database.ts';

/** One key for all: whoever would take a privileged role waits for the one before. */
const LOCK = 0x61646d69;

/**
 * Makes every transaction that could take a privileged role from somebody wait
 * its turn until this one ends, so that two at once cannot each remove
 * "the other one". Taken before any user's row is locked.
 */
export async function lockPrivilegedRoles(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${LOCK})`.execute(tx);
}

/** Whether the user holds any privileged role now. */
export async function holdsPrivilegedRole(tx: Tx, userId: UserId): Promise<boolean> {
  const row = await tx
    .selectFrom('grants')
    .select('role')
    .where('user_id', '=', userId)
    .where('privileged', '=', true)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Of the roles given, those that the user may not lose: automation leaves at
 * least two other holders, a person at least one (invariant 8). Somebody
 * without access is no holder. Call under {@link lockPrivilegedRoles}.
 */
export async function rolesThatMustStay(
  tx: Tx,
  userId: UserId,
  roles: readonly string[],
  actor: Actor,
): Promise<readonly string[]> {
  if (roles.length === 0) return [];
  const counts = await tx
    .selectFrom('grants')
    .innerJoin('users', 'users.id', 'grants.user_id')
    .select((select) => ['grants.role', select.fn.count('users.id').distinct().as('holders')])
    .where('grants.role', 'in', [...roles])
    .where('grants.privileged', '=', true)
    .where('users.id', '!=', userId)
    .where('users.state', 'in', ['active', 'suspected', 'contained'])
    .groupBy('grants.role')
    .execute();
  const others = new Map(counts.map((count) => [count.role, Number(count.holders)]));
  const needed = actor.kind === 'operator' ? 1 : 2;
  return roles.filter((role) => (others.get(role) ?? 0) < needed);
}
