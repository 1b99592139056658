import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { ConnectionId, RunId, UserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Grant } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { toGrant, toUser } from '@rollcall/shared/db/users';
import type { KnownUser, PastLookUp } from '../reconcile/known-user.ts';
import { LOOK_UP_VALID_MS } from '../reconcile/policy.ts';

const PART = 2_000;

/** The users of a connection beside a run's snapshot, part by part, in the order of their ids. */
export async function* knownUsers(
  db: Database,
  connectionId: ConnectionId,
  runId: RunId,
  now: EpochMs,
): AsyncGenerator<readonly KnownUser[]> {
  let cursor: UserId | null = null;
  for (;;) {
    const rows = await readPart(db, connectionId, runId, cursor);
    if (rows.length === 0) return;
    const ids = rows.map((row) => row.id);
    const missing = rows.filter((row) => row.member_id === null).map((row) => row.id);
    const grants = await grantsByUser(db, connectionId, ids);
    const lookUps = await lookUpsByUser(db, missing, after(now, -LOOK_UP_VALID_MS));
    yield rows.map((row) => ({
      user: toUser(row),
      member: toMember(row),
      grants: grants.get(row.id) ?? [],
      lookUps: lookUps.get(row.id) ?? [],
    }));
    cursor = ids.at(-1) ?? null;
    if (rows.length < PART) return;
  }
}

type Row = Awaited<ReturnType<typeof readPart>>[number];

function readPart(db: Database, connectionId: ConnectionId, runId: RunId, cursor: UserId | null) {
  let query = db
    .selectFrom('users')
    .leftJoin('snapshot_members as member', (join) =>
      join.onRef('member.directory_id', '=', 'users.directory_id').on('member.run_id', '=', runId),
    )
    .selectAll('users')
    .select([
      'member.directory_id as member_id',
      'member.standing as member_standing',
      'member.groups as member_groups',
      'member.label as member_label',
    ])
    .where('users.connection_id', '=', connectionId)
    .orderBy('users.id')
    .limit(PART);
  if (cursor !== null) query = query.where('users.id', '>', cursor);
  return query.execute();
}

function toMember(row: Row): DirectoryMember | null {
  if (row.member_id === null || row.member_standing === null) return null;
  return {
    id: row.member_id,
    standing: row.member_standing,
    groups: row.member_groups,
    label: row.member_label,
  };
}

async function grantsByUser(
  db: Database,
  connectionId: ConnectionId,
  ids: readonly UserId[],
): Promise<ReadonlyMap<UserId, Grant[]>> {
  const rows = await db
    .selectFrom('grants')
    .selectAll()
    .where('user_id', 'in', [...ids])
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
    .where('user_id', 'in', [...ids])
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
