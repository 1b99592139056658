import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { UserId } from '../core/ids.ts';
import type { UserState } from '../core/lifecycle.ts';
import type { Grant, User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { grantsOf, lockUser } from '../db/users.ts';

/** One key for all: whoever would take a privileged role waits for the one before. */
export const PRIVILEGED_LOCK = 0x61646d69;

/**
 * Makes every transaction that could take a privileged role from somebody wait
 * its turn until this one ends, so that two at once cannot each remove
 * "the other one". Taken before any user's row is locked.
 */
export async function lockPrivilegedRoles(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${PRIVILEGED_LOCK})`.execute(tx);
}

/**
 * Locks a user's row and reads the grants; null: no such user. The privileged lock comes first where the
 * user holds a privileged role, so that it is held whenever one may be taken.
 *
 * A sign-in that gives one may commit between the look and the lock. Then the
 * lock comes late: of two who wait for each other by that, the database ends one
 * with a deadlock, and that one runs again.
 *
 * @param privilegedRoles the privileged roles of the configuration, where the caller has it.
 */
export async function lockUserWithGrants(
  tx: Tx,
  userId: UserId,
  privilegedRoles: ReadonlySet<string>,
): Promise<{ readonly user: User; readonly grants: readonly Grant[] } | null> {
  const mayBeTaken = (grant: Grant): boolean => isPrivileged(grant, privilegedRoles);
  const locked = (await grantsOf(tx, userId)).some(mayBeTaken);
  if (locked) await lockPrivilegedRoles(tx);
  const user = await lockUser(tx, userId);
  if (user === null) return null;
  const grants = await grantsOf(tx, userId);
  if (!locked && grants.some(mayBeTaken)) await lockPrivilegedRoles(tx);
  return { user, grants };
}

/**
 * Whether a grant gives a privileged role: it was one when it was given, or is one
 * by the rules of now. A role that is declared privileged later is guarded at once.
 */
export function isPrivileged(grant: Grant, privilegedRoles: ReadonlySet<string>): boolean {
  return grant.privileged || privilegedRoles.has(grant.role);
}

/**
 * Of the roles given, those that the user may not lose: automation leaves at
 * least two holders, a person at least one (invariant 8). People are counted, not
 * records: whoever holds the role by another joined record loses nothing. Somebody
 * without access is no holder. Call under {@link lockPrivilegedRoles}.
 */
export async function rolesThatMustStay(
  tx: Tx,
  userId: UserId,
  roles: readonly string[],
  actor: Actor,
): Promise<readonly string[]> {
  const needed = actor.kind === 'operator' || actor.kind === 'undo' ? 1 : 2;
  return rolesHeldByFewer(tx, userId, roles, needed, ['active', 'suspected', 'contained']);
}

/**
 * Of the roles given, those that nobody else could exercise without a fresh sign-in, were
 * this user contained. A containment takes no role, and whoever is contained still is a
 * holder; but were everybody contained who holds the role, and the identity provider broke
 * down after it, nobody could act. Call under {@link lockPrivilegedRoles}.
 */
export function rolesNobodyElseUses(
  tx: Tx,
  userId: UserId,
  roles: readonly string[],
): Promise<readonly string[]> {
  return rolesHeldByFewer(tx, userId, roles, 1, ['active', 'suspected']);
}

async function rolesHeldByFewer(
  tx: Tx,
  userId: UserId,
  roles: readonly string[],
  needed: number,
  states: readonly UserState[],
): Promise<readonly string[]> {
  if (roles.length === 0) return [];
  const counts = await sql<{ role: string; others: string; held: boolean }>`
    select g.role, count(distinct u.person) filter (where u.person <> self.person) as others,
           bool_or(u.person = self.person) as held
      from grants g
      join (select id, state, connection_id, subject, directory_id, coalesce(person_id, id) as person from users) u on u.id = g.user_id
      cross join (select coalesce(person_id, id) as person from users where id = ${userId}) self
     where g.role = any(${[...roles]}::text[]) and g.user_id <> ${userId}
       and u.state = any(${[...states]}::text[])
       -- Nobody can be somebody whom SCIM made known without any id.
       and not (u.directory_id is null and u.subject = 'scim:' || u.id)
       -- Nobody signs in by a connection that was taken out of the configuration.
       and not exists (
         select from connections c
          where c.id in (u.connection_id, g.connection_id) and c.retired_at is not null)
     group by g.role`.execute(tx);
  const others = new Map(counts.rows.map((row) => [row.role, row]));
  return roles.filter((role) => {
    const counted = others.get(role);
    return counted === undefined || !(counted.held || Number(counted.others) >= needed);
  });
}
