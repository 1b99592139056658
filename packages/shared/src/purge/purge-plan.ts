import { createHash, randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import { after, type EpochMs } from '../core/time.ts';
import { labelOf, type User } from '../core/user.ts';
import { type Database, inTransaction, type Tx } from '../db/database.ts';
import { fromNullableTimestamp, fromTimestamp, toTimestamp } from '../db/timestamp.ts';
import { toUser } from '../db/users.ts';

/** How long a plan may be applied, in milliseconds. */
export const PURGE_PLAN_EXPIRES_MS = 24 * 3_600_000;
/** A plan names at most so many: a person has to be able to look at it. */
export const MOST_LINES = 10_000;

/** A purge that was planned. */
export interface PurgePlan {
  readonly id: string;
  readonly digest: string;
  readonly madeBy: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  /** Null until every line has its outcome. */
  readonly appliedAt: EpochMs | null;
}

/** One person of it. */
export interface PurgeLine {
  readonly seq: number;
  readonly userId: UserId;
  /** As the person is called now: nothing of them is stored in the plan. */
  readonly label: string;
  readonly connectionId: ConnectionId;
  readonly cause: string | null;
  /** Since when they have had no access. */
  readonly endedAt: EpochMs;
  readonly outcome: 'purged' | 'skipped' | null;
  readonly outcomeWhy: string | null;
}

/** Whom a plan is to name: all who are purge-eligible where both are left out. */
export interface PurgeScope {
  readonly connectionId?: ConnectionId;
  readonly userId?: UserId;
}

/**
 * Stores a plan of purging whoever is purge-eligible, longest out first. Null where
 * nobody is. Changes nobody.
 */
export async function makePurgePlan(
  db: Database,
  scope: PurgeScope,
  madeBy: string,
  now: EpochMs,
): Promise<PurgePlan | null> {
  return inTransaction(db, async (tx) => {
    const people = await eligible(tx, scope);
    if (people.length === 0) return null;
    const id = randomUUID();
    const plan = {
      id,
      digest: digestOf(id, people),
      made_by: madeBy,
      created_at: toTimestamp(now),
      expires_at: toTimestamp(after(now, PURGE_PLAN_EXPIRES_MS)),
      applied_at: null,
    };
    await tx.insertInto('purge_plans').values(plan).execute();
    await sql`
      insert into purge_lines (plan_id, seq, user_id, ended_at)
      select ${id}::uuid, line.seq, line.user_id, u.state_changed_at
        from unnest(${people.map((one) => one.id)}::uuid[]) with ordinality as line (user_id, seq)
        join users u on u.id = line.user_id`.execute(tx);
    return toPlan(plan);
  });
}

async function eligible(tx: Tx, { connectionId, userId }: PurgeScope): Promise<readonly User[]> {
  let query = tx
    .selectFrom('users')
    .selectAll()
    .where('state', '=', 'purge_eligible')
    .where('purged_at', 'is', null)
    .where('protected', '=', false)
    .where('protected_by_admin', '=', false);
  if (connectionId !== undefined) query = query.where('connection_id', '=', connectionId);
  if (userId !== undefined) query = query.where('id', '=', userId);
  const rows = await query.orderBy('state_changed_at').orderBy('id').limit(MOST_LINES).execute();
  return rows.map(toUser);
}

function digestOf(id: string, people: readonly User[]): string {
  const hash = createHash('sha256').update(`${id}\n`);
  for (const one of people) hash.update(`${one.id} ${one.stateChangedAt}\n`);
  return hash.digest('hex');
}

/** The plan of a digest, or of the beginning of one. Throws `purge.not_found`. */
export async function findPurgePlan(db: Database | Tx, name: string): Promise<PurgePlan> {
  const rows = /^[0-9a-f]{6,64}$/.test(name)
    ? await db
        .selectFrom('purge_plans')
        .selectAll()
        .where('digest', 'like', `${name}%`)
        .limit(2)
        .execute()
    : [];
  const [row] = rows;
  if (row !== undefined && rows.length === 1) return toPlan(row);
  throw new AppError(
    'purge.not_found',
    'There is no purge plan of this digest, or there are several.',
    {
      detail: {
        expected: 'six or more digits of the digest of one plan',
        received: name.slice(0, 80),
      },
    },
  );
}

/** Which lines of a plan. */
export interface LinePage {
  readonly limit: number;
  readonly after: number;
}

/** Lines of a plan, in order, after the given one. */
export async function purgeLines(
  db: Database | Tx,
  planId: string,
  { limit, after: afterLine }: LinePage,
): Promise<readonly PurgeLine[]> {
  const rows = await db
    .selectFrom('purge_lines as line')
    .innerJoin('users as person', 'person.id', 'line.user_id')
    .selectAll('person')
    .select(['line.seq', 'line.ended_at', 'line.outcome', 'line.outcome_why'])
    .where('line.plan_id', '=', planId)
    .where('line.seq', '>', afterLine)
    .orderBy('line.seq')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    seq: row.seq,
    userId: row.id,
    label: labelOf(toUser(row)),
    connectionId: row.connection_id,
    cause: row.cause,
    endedAt: fromTimestamp(row.ended_at),
    outcome: row.outcome,
    outcomeWhy: row.outcome_why,
  }));
}

/** How many lines have which outcome. */
export interface PurgeCounts {
  readonly lines: number;
  readonly purged: number;
  readonly skipped: number;
}

/** Counts the lines of a plan. */
export async function countPurgeLines(db: Database | Tx, planId: string): Promise<PurgeCounts> {
  const of = (outcome: string): RawBuilder<number> =>
    sql<number>`count(*) filter (where outcome = ${outcome})::int`;
  return db
    .selectFrom('purge_lines')
    .select([
      sql<number>`count(*)::int`.as('lines'),
      of('purged').as('purged'),
      of('skipped').as('skipped'),
    ])
    .where('plan_id', '=', planId)
    .executeTakeFirstOrThrow();
}

interface PlanRow {
  readonly id: string;
  readonly digest: string;
  readonly made_by: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly applied_at: Date | null;
}

function toPlan(row: PlanRow): PurgePlan {
  return {
    id: row.id,
    digest: row.digest,
    madeBy: row.made_by,
    createdAt: fromTimestamp(row.created_at),
    expiresAt: fromTimestamp(row.expires_at),
    appliedAt: fromNullableTimestamp(row.applied_at),
  };
}
