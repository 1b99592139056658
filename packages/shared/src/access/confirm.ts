import { sql } from 'kysely';
import { toGrantReason } from '../core/grant-reason.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import type { Presence } from '../core/presence.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';

/**
 * Writes down that a directory listed people, and that it still shows what gives them
 * their roles. Answers with how many were confirmed.
 *
 * Nobody's access changes: no state, no role, no session. So there is no row of the
 * audit for each (that the run listed them is in its own record; a million rows a day
 * would bury the others), nothing in the outbox, and no new version, which would make
 * the lines of every open plan stale. The rest is as with every change: it is checked
 * again in the statement that writes. Whoever was changed since they were read, or has
 * seen something newer, is left as they are; SCIM's people, those without access and
 * grants of other channels are never touched. Rows that somebody else holds are passed
 * over and not waited for: the next sweep confirms them.
 */
export async function confirmPresence(
  tx: Tx,
  { connectionId, seenAt }: { readonly connectionId: ConnectionId; readonly seenAt: EpochMs },
  people: readonly Presence[],
): Promise<number> {
  const confirmed = await confirmUsers(tx, connectionId, seenAt, people);
  const grants = people
    .filter(({ userId }) => confirmed.has(userId))
    .flatMap(({ userId, grants: given }) =>
      given.map(({ role, because }) => ({
        user_id: userId,
        role,
        because: because.map(toGrantReason),
      })),
    );
  if (grants.length > 0) await confirmGrants(tx, connectionId, seenAt, grants);
  return confirmed.size;
}

async function confirmUsers(
  tx: Tx,
  connectionId: ConnectionId,
  seenAt: EpochMs,
  people: readonly Presence[],
): Promise<ReadonlySet<UserId>> {
  const rows = people.map(({ userId, version }) => ({ user_id: userId, version }));
  const at = toTimestamp(seenAt);
  const answer = await sql<{ id: UserId }>`
    with free as materialized (
      select u.id
        from json_to_recordset(${JSON.stringify(rows)}::json) as seen (user_id uuid, version integer)
        join users u on u.id = seen.user_id and u.version = seen.version
       where u.connection_id = ${connectionId}
         and u.owner = 'roll'
         and u.state in ('active', 'suspected', 'contained')
         and (u.last_confirmed_at is null or u.last_confirmed_at < ${at})
         for no key update of u skip locked)
    update users set last_confirmed_at = ${at} from free where users.id = free.id
    returning users.id`.execute(tx);
  return new Set(answer.rows.map((row) => row.id));
}

/** Nobody else writes grants meanwhile: who does locks the user's row, and we hold it. */
async function confirmGrants(
  tx: Tx,
  connectionId: ConnectionId,
  seenAt: EpochMs,
  grants: readonly object[],
): Promise<void> {
  const at = toTimestamp(seenAt);
  await sql`
    update grants
       set last_seen_at = ${at}, seen_in = 'directory', because = seen.because
      from json_to_recordset(${JSON.stringify(grants)}::json)
        as seen (user_id uuid, role text, because jsonb)
     where grants.user_id = seen.user_id and grants.role = seen.role
       and grants.connection_id = ${connectionId} and grants.channel = 'roll'
       and grants.last_seen_at < ${at}`.execute(tx);
}
