import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { ConnectionId, DirectoryId, RunId, UserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Grant, User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { toGrant, toUser } from '@rollcall/shared/db/users';
import { sql } from 'kysely';
import type { KnownUser, PastLookUp } from '../reconcile/known-user.ts';
import { LOOK_UP_VALID_MS } from '../reconcile/policy.ts';

/** A user beside the snapshot's row of the same directory id; null: not listed. */
export type ListedUser = Pick<KnownUser, 'user' | 'member'>;

const PART = 2_000;

/**
 * The users of a connection beside a run's snapshot, part by part, in the order of
 * their ids. Rows are asked for by id and never joined: the snapshot is new, the
 * database has no statistics of it yet, and a plan that guesses wrong takes hours.
 */
export async function* listedUsers(
  db: Database,
  connectionId: ConnectionId,
  runId: RunId,
): AsyncGenerator<readonly ListedUser[]> {
  let cursor: UserId | null = null;
  for (;;) {
    const users: readonly User[] = await readPart(db, connectionId, cursor);
    if (users.length === 0) return;
    const members = await membersById(db, runId, users);
    yield users.map((user) => {
      const member = user.directoryId === null ? undefined : members.get(user.directoryId);
      return { user, member: member ?? null };
    });
    cursor = users.at(-1)?.id ?? null;
    if (users.length < PART) return;
  }
}

/** Adds what else a decision needs: grants for all, past look-ups for those not listed as present. */
export async function withEvidence(
  db: Database,
  connectionId: ConnectionId,
  part: readonly ListedUser[],
  now: EpochMs,
): Promise<readonly KnownUser[]> {
  const ids = part.map(({ user }) => user.id);
  const doubtful = part.filter(({ member }) => member?.standing !== 'present');
  const grants = await grantsByUser(db, connectionId, ids);
  const lookUps = await lookUpsByUser(
    db,
    doubtful.map(({ user }) => user.id),
    after(now, -LOOK_UP_VALID_MS),
  );
  return part.map(({ user, member }) => ({
    user,
    member,
    grants: grants.get(user.id) ?? [],
    lookUps: lookUps.get(user.id) ?? [],
  }));
}

/** How many users of a connection there are to decide about. */
export async function countUsers(db: Database, connectionId: ConnectionId): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('connection_id', '=', connectionId)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function readPart(
  db: Database,
  connectionId: ConnectionId,
  cursor: UserId | null,
): Promise<readonly User[]> {
  let query = db
    .selectFrom('users')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .orderBy('id')
    .limit(PART);
  if (cursor !== null) query = query.where('id', '>', cursor);
  return (await query.execute()).map(toUser);
}

async function membersById(
  db: Database,
  runId: RunId,
  users: readonly User[],
): Promise<ReadonlyMap<DirectoryId, DirectoryMember>> {
  const ids = users.flatMap((user) => user.directoryId ?? []);
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('snapshot_members')
    .select(['directory_id as id', 'standing', 'groups', 'label'])
    .where('run_id', '=', runId)
    .where(sql<boolean>`directory_id = any(${ids}::text[])`)
    .execute();
  return new Map(rows.map((member) => [member.id, member]));
}

async function grantsByUser(
  db: Database,
  connectionId: ConnectionId,
  ids: readonly UserId[],
): Promise<ReadonlyMap<UserId, Grant[]>> {
  const rows = await db
    .selectFrom('grants')
    .selectAll()
    .where(sql<boolean>`user_id = any(${ids}::uuid[])`)
    .where('connection_id', '=', connectionId)
    .where('channel', '=', 'roll')
    .orderBy('role')
    .execute();
  return Map.groupBy(rows.map(toGrant), (grant) => grant.userId);
}

async function lookUpsByUser(
  db: Database,
  ids: readonly UserId[],
  since: EpochMs,
): Promise<ReadonlyMap<UserId, PastLookUp[]>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('look_ups')
    .selectAll()
    .where(sql<boolean>`user_id = any(${ids}::uuid[])`)
    .where('at', '>=', toTimestamp(since))
    .orderBy('at')
    .orderBy('id')
    .execute();
  return new Map(
    [...Map.groupBy(rows, (row) => row.user_id)].map(([id, own]) => [id, own.map(toPastLookUp)]),
  );
}

function toPastLookUp(row: {
  run_id: RunId;
  standing: PastLookUp['standing'];
  canary: PastLookUp['canary'];
  seen_in: PastLookUp['seenIn'];
  at: Date;
}): PastLookUp {
  const { standing, canary } = row;
  return { runId: row.run_id, standing, canary, seenIn: row.seen_in, at: fromTimestamp(row.at) };
}
