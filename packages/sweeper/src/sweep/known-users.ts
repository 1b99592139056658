import type { ConnectionId, RunId, UserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Grant } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { toGrant, toUser } from '@rollcall/shared/db/users';
import { sql } from 'kysely';
import type { KnownUser, PastLookUp } from '../reconcile/known-user.ts';
import { LOOK_UP_VALID_MS } from '../reconcile/policy.ts';

/** A user beside the snapshot's row of the same directory id; null: not listed. */
export type ListedUser = Pick<KnownUser, 'user' | 'member'>;

/** More of them at once are more garbage, and no faster. */
const PART = 500;

/** The users in doubt (`comparison.ts`) beside a run's snapshot, part by part, in the order of their ids. */
export async function* doubtfulUsers(
  db: Database,
  runId: RunId,
): AsyncGenerator<readonly ListedUser[]> {
  for (let cursor: UserId | null = null; ; ) {
    const part: readonly ListedUser[] = await readPart(db, runId, cursor);
    if (part.length > 0) yield part;
    if (part.length < PART) return;
    cursor = part.at(-1)?.user.id ?? null;
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

async function readPart(
  db: Database,
  runId: RunId,
  cursor: UserId | null,
): Promise<readonly ListedUser[]> {
  let query = db
    .selectFrom('sweep_doubts as doubt')
    .innerJoin('users as person', 'person.id', 'doubt.user_id')
    .selectAll('person')
    .select(['doubt.standing', 'doubt.groups as listed_groups', 'doubt.label'])
    .where('doubt.run_id', '=', runId)
    .orderBy('doubt.user_id')
    .limit(PART);
  if (cursor !== null) query = query.where('doubt.user_id', '>', cursor);
  const rows = await query.execute();
  return rows.map(({ standing, listed_groups, label, ...row }) => {
    const user = toUser(row);
    if (standing === null || user.directoryId === null) return { user, member: null };
    const groups = listed_groups?.toSorted() ?? null;
    return { user, member: { id: user.directoryId, standing, groups, label } };
  });
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
