import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import { toSubject, type UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { isPurged, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import { lockUser } from '../db/users.ts';
import { recordAudit } from './record.ts';

/** Whose personal data goes. */
export interface Purge {
  readonly userId: UserId;
  /** Since when the person had no access, as the plan saw it. */
  readonly endedAt: EpochMs;
  /** Why, in the words of whoever asked for it. */
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Why somebody was not purged. */
export type PurgeObjection =
  | 'no_such_user'
  | 'purged'
  /** They have, or have had, access again since the plan. */
  | 'not_purge_eligible'
  | 'newer_state'
  | 'protected'
  /** Other records of the person have its id from this one. */
  | 'gives_person_id';

/**
 * Takes the personal data of somebody away, in the caller's transaction, and leaves a
 * tombstone: names, e-mail, subject, directory id, groups, attributes, roles, sessions,
 * look-ups, what undoing would need, the SCIM resource. The row stays with its id, which
 * the audit trail and plans name. Checks again under the lock; null: it is done.
 */
export async function purgeUser(
  tx: Tx,
  purge: Purge,
  actor: Actor,
  now: EpochMs,
): Promise<PurgeObjection | null> {
  const user = await lockUser(tx, purge.userId);
  if (user === null) return 'no_such_user';
  const objection = await objectionTo(tx, user, purge.endedAt);
  if (objection !== null) return objection;
  await putTombstone(tx, user, now);
  await forget(tx, user.id);
  await emptyRow(tx, user, now);
  await recordAudit(
    tx,
    {
      kind: 'user.purged',
      userId: user.id,
      connectionId: user.connectionId,
      reason: 'by_admin',
      evidence: { ...purge.evidence, because: purge.reason },
      before: { state: user.state, cause: user.cause, version: user.version },
      after: { state: user.state, cause: user.cause, version: user.version + 1 },
    },
    actor,
    now,
  );
  return null;
}

async function objectionTo(tx: Tx, user: User, endedAt: EpochMs): Promise<PurgeObjection | null> {
  if (isPurged(user)) return 'purged';
  if (user.state !== 'purge_eligible') return 'not_purge_eligible';
  if (user.stateChangedAt !== endedAt) return 'newer_state';
  if (user.protected) return 'protected';
  const other = await tx
    .selectFrom('users')
    .select('id')
    .where('person_id', '=', user.id)
    .where('id', '!=', user.id)
    .limit(1)
    .executeTakeFirst();
  return other === undefined ? null : 'gives_person_id';
}

/** Whoever was purged before and came back is remembered by the later end. */
async function putTombstone(tx: Tx, user: User, now: EpochMs): Promise<void> {
  const { connectionId, subject, directoryId, cause } = user;
  await sql`
    insert into tombstones
      (connection_id, subject_hash, directory_hash, user_id, owner, cause, ended_at, purged_at)
    values (${connectionId}, tombstone_hash(${connectionId}, ${subject}),
            ${directoryId === null ? null : sql`tombstone_hash(${connectionId}, ${directoryId})`},
            ${user.id}, ${user.owner}, ${cause}, ${toTimestamp(user.stateChangedAt)}, ${toTimestamp(now)})
    on conflict (connection_id, subject_hash) do update
      set directory_hash = coalesce(excluded.directory_hash, tombstones.directory_hash), user_id = excluded.user_id,
          owner = excluded.owner, cause = excluded.cause, ended_at = excluded.ended_at,
          purged_at = excluded.purged_at`.execute(tx);
}

async function forget(tx: Tx, id: UserId): Promise<void> {
  await tx.deleteFrom('grants').where('user_id', '=', id).execute();
  await tx.deleteFrom('sessions').where('user_id', '=', id).execute();
  await tx.deleteFrom('look_ups').where('user_id', '=', id).execute();
  await tx.deleteFrom('misses').where('user_id', '=', id).execute();
  await tx.deleteFrom('silence_warnings').where('user_id', '=', id).execute();
  await tx.deleteFrom('scim_users').where('user_id', '=', id).execute();
  // The lines themselves are evidence, and part of the digest that was approved.
  await tx.updateTable('plan_lines').set({ undo: null }).where('user_id', '=', id).execute();
}

async function emptyRow(tx: Tx, user: User, now: EpochMs): Promise<void> {
  await tx
    .updateTable('users')
    .set({
      // No two connections name anybody by an id of ours.
      subject: toSubject(`purged ${user.id}`),
      directory_id: null,
      person_id: null,
      email: null,
      given_name: null,
      family_name: null,
      groups: null,
      groups_seen_at: null,
      attributes: JSON.stringify({}),
      epoch: user.epoch + 1,
      version: user.version + 1,
      purged_at: toTimestamp(now),
    })
    .where('id', '=', user.id)
    .execute();
}
