import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import { toGrantReason } from '../core/grant-reason.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import { hasAccess } from '../core/lifecycle.ts';
import type { RoleMapping } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, type GrantReason, isPurged, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { toGrant, toUser } from '../db/users.ts';
import { isPrivileged, lockPrivilegedRoles, rolesThatMustStay } from './privileged.ts';
import { auditViewOf, putAllIntoOutbox, recordAudits } from './record.ts';
import { endSessionsOfUsers } from './session-end.ts';

type Known = Extract<RoleMapping, { kind: 'known' }>;

/** The roles that groups and attributes of SCIM give people now, by the rules. */
export interface ScimRoles {
  readonly connectionId: ConnectionId;
  readonly people: readonly UserId[];
  /**
   * What gives them roles, as it is committed or written by this transaction. Asked once,
   * when nobody else can change their roles: of two who take somebody out of two groups,
   * the second then sees what the first has done.
   */
  readonly readMappings: (people: readonly UserId[]) => Promise<ReadonlyMap<UserId, Known>>;
  /** Somebody who had no access until this transaction, and so was no holder who could be the last. */
  readonly returning?: UserId | null;
  readonly privilegedRoles: ReadonlySet<string>;
  /** A reason code. */
  readonly reason: string;
  readonly reference: string;
}

/** What became of it: how many people's roles are others, or who keeps what and why. */
export type ScimRolesWritten =
  | { readonly kind: 'written'; readonly changed: number }
  | {
      readonly kind: 'refused';
      readonly code: 'last_admin';
      readonly user: User;
      readonly roles: readonly string[];
    };

/**
 * Writes the grants of the SCIM channel for any number of people, in the same few
 * statements for one as for ten thousand. Grants that assertions gave stay as they are.
 * To people without access nothing is given, until the caller asks again on the day of
 * return; but what they have lost is taken at once, for an administrator who lets somebody
 * in again asks nobody. From the protected nothing is taken.
 *
 * Where one of the last holders would lose a privileged role, nothing may stand: the
 * caller rolls back.
 */
export async function writeScimRoles(
  tx: Tx,
  change: ScimRoles,
  actor: Actor,
  now: EpochMs,
): Promise<ScimRolesWritten> {
  const ids = [...new Set(change.people)].sort();
  if (ids.length === 0) return { kind: 'written', changed: 0 };
  const guarded = await lockPrivilegedWhereHeld(tx, ids, change);
  const users = await lockUsers(tx, ids);
  const mappings = await change.readMappings(ids);
  const grants = await grantsOfAll(tx, ids);
  const differences = users.flatMap((user) => {
    const mapping = mappings.get(user.id);
    const held = grants.get(user.id) ?? [];
    return mapping === undefined || isPurged(user)
      ? []
      : (differenceOf(user, held, mapping, change) ?? []);
  });
  // Whoever has no access exercises no role, and so is no holder who could be the last.
  const losing = differences.filter(
    (one) => hasAccess(one.user.state) && privilegedIn(one, change).length > 0,
  );
  // Somebody got it between the look and the lock: as in `lockUserWithGrants`.
  if (losing.length > 0 && !guarded) await lockPrivilegedRoles(tx);
  // One after the other: of two who hold a role, the second is asked after the first lost it.
  for (const difference of losing) {
    const { user } = difference;
    if (user.id === change.returning) continue;
    const must = await rolesThatMustStay(tx, user.id, privilegedIn(difference, change), actor);
    if (must.length > 0) return { kind: 'refused', code: 'last_admin', user, roles: must };
    await deleteGrants(tx, [difference], change);
  }
  await deleteGrants(tx, differences, change);
  await upsertGrants(tx, differences, change, now);
  await tell(tx, differences, change, actor, now);
  return { kind: 'written', changed: differences.length };
}

interface Difference {
  readonly user: User;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly dropped: readonly Grant[];
  readonly given: readonly { readonly role: string; readonly because: readonly GrantReason[] }[];
}

/** What is another for somebody than it was; null where nothing is. */
function differenceOf(
  user: User,
  held: readonly Grant[],
  mapping: Known,
  { connectionId }: ScimRoles,
): Difference | null {
  const ours = held.filter((one) => one.channel === 'scim' && one.connectionId === connectionId);
  const wanted = new Set(mapping.roles);
  const dropped = user.protected ? [] : ours.filter(({ role }) => !wanted.has(role));
  const gives = hasAccess(user.state) ? mapping.roles : [];
  const given = gives.map((role) => {
    return { role, because: mapping.because.filter((one) => one.role === role).map(toGrantReason) };
  });
  const renewed = given.filter(
    ({ role, because }) =>
      !ours.some((one) => one.role === role && isDeepStrictEqual(one.because, because)),
  );
  if (dropped.length === 0 && renewed.length === 0) return null;
  const before = rolesOf(held);
  const kept = held.filter((one) => !dropped.includes(one));
  return { user, before, after: rolesOf([...kept, ...given]), dropped, given: renewed };
}

/** A role that another grant still gives is not lost. */
function privilegedIn(
  { dropped, after }: Difference,
  { privilegedRoles }: ScimRoles,
): readonly string[] {
  return dropped
    .filter((one) => isPrivileged(one, privilegedRoles) && !after.includes(one.role))
    .map(({ role }) => role);
}

/**
 * The lock comes before the rows', whatever will be lost: the order prevents deadlocks.
 * True where it was taken.
 */
async function lockPrivilegedWhereHeld(
  tx: Tx,
  ids: readonly UserId[],
  { privilegedRoles }: ScimRoles,
): Promise<boolean> {
  const held = await sql`
    select from grants
     where user_id = any(${[...ids]}::uuid[]) and channel = 'scim'
       and (privileged or role = any(${[...privilegedRoles]}::text[]))
     limit 1`.execute(tx);
  if (held.rows.length === 0) return false;
  await lockPrivilegedRoles(tx);
  return true;
}

async function lockUsers(tx: Tx, ids: readonly UserId[]): Promise<readonly User[]> {
  const rows = await tx
    .selectFrom('users')
    .selectAll()
    .where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
    .orderBy('id')
    .forUpdate()
    .execute();
  return rows.map(toUser);
}

async function grantsOfAll(
  tx: Tx,
  ids: readonly UserId[],
): Promise<ReadonlyMap<UserId, readonly Grant[]>> {
  const rows = await tx
    .selectFrom('grants')
    .selectAll()
    .where(sql<boolean>`user_id = any(${[...ids]}::uuid[])`)
    .execute();
  return Map.groupBy(rows.map(toGrant), (grant) => grant.userId);
}

async function deleteGrants(
  tx: Tx,
  differences: readonly Difference[],
  { connectionId }: ScimRoles,
): Promise<void> {
  const rows = differences.flatMap(({ user, dropped }) =>
    dropped.map(({ role }) => ({ user_id: user.id, role })),
  );
  if (rows.length === 0) return;
  await sql`
    delete from grants
     using json_to_recordset(${JSON.stringify(rows)}::json) as gone (user_id uuid, role text)
     where grants.user_id = gone.user_id and grants.role = gone.role
       and grants.connection_id = ${connectionId} and grants.channel = 'scim'`.execute(tx);
}

async function upsertGrants(
  tx: Tx,
  differences: readonly Difference[],
  { connectionId, privilegedRoles }: ScimRoles,
  now: EpochMs,
): Promise<void> {
  const rows = differences.flatMap(({ user, given }) =>
    given.map(({ role, because }) => ({
      user_id: user.id,
      role,
      privileged: privilegedRoles.has(role),
      because,
    })),
  );
  if (rows.length === 0) return;
  const at = toTimestamp(now);
  await sql`
    insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
    select given.user_id, given.role, ${connectionId}, 'scim', 'scim', given.privileged, given.because, ${at}, ${at}
      from json_to_recordset(${JSON.stringify(rows)}::json)
        as given (user_id uuid, role text, privileged boolean, because jsonb)
    on conflict (user_id, role, connection_id, channel) do update
       set privileged = excluded.privileged, because = excluded.because, last_seen_at = excluded.last_seen_at`.execute(
    tx,
  );
}

async function tell(
  tx: Tx,
  differences: readonly Difference[],
  { connectionId, reason, reference }: ScimRoles,
  actor: Actor,
  now: EpochMs,
): Promise<void> {
  if (differences.length === 0) return;
  const ids = differences.map(({ user }) => user.id);
  await sql`update users set version = version + 1 where id = any(${ids}::uuid[])`.execute(tx);
  const changed = differences.filter(({ before, after }) => before.join() !== after.join());
  const facts = changed.map(({ user, before, after }) => ({
    kind: 'roles.changed' as const,
    userId: user.id,
    connectionId,
    reason,
    before: auditViewOf(user, before),
    after: auditViewOf({ ...user, version: user.version + 1 }, after),
    reference,
  }));
  await recordAudits(tx, facts, actor, now);
  const messages = changed.map(({ user, before, after }) => {
    const gained = after.filter((role) => !before.includes(role));
    const lost = before.filter((role) => !after.includes(role));
    return [user.id, { gained, lost, roles: after }] as const;
  });
  await putAllIntoOutbox(tx, 'roles.changed', messages, now);
  // No role, no entry: an open session must not outlive the last one.
  const roleless = changed.filter(({ after }) => after.length === 0).map(({ user }) => user.id);
  await endSessionsOfUsers(tx, roleless, 'no_role', now);
}
