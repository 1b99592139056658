import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import type { PlanState } from '@rollcall/shared/db/tables';
import { fromNullableTimestamp, fromTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { BrakeClass, HeldReason, PeopleCounts } from '../reconcile/brake.ts';

/** A plan without its lines. */
export interface PlanHead {
  readonly runId: RunId;
  readonly connectionId: ConnectionId;
  readonly digest: string;
  readonly state: PlanState;
  readonly heldWhy: readonly HeldReason[];
  /** How many people had access when the plan was made. */
  readonly population: number;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  /** How many people have to approve it. */
  readonly approvalsNeeded: number;
  /** When the last of them did; null: approvals are missing. */
  readonly approvedAt: EpochMs | null;
  /** Since when plans of the connection have been held without a break; null: nobody is told. */
  readonly heldSince: EpochMs | null;
  /** From when on its people are contained while it waits; null: nobody is. */
  readonly containsFrom: EpochMs | null;
  /** Of which moment the listing speaks that the plan rests on. */
  readonly observedAt: EpochMs;
  /** Fingerprint of the configuration under which it was made. */
  readonly configuration: string | null;
  readonly planOnlyBecause: string | null;
  /** Who said no to it, and why. */
  readonly rejection: PersonsWord | null;
  /** Who had it taken back, and why. */
  readonly undoing: PersonsWord | null;
}

/** What a person has said about a plan. */
export interface PersonsWord {
  readonly by: string;
  readonly reason: string;
  readonly at: EpochMs;
}

/** The shortest beginning of a digest that names a plan. */
const SHORTEST_DIGEST = 6;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HEXADECIMAL = /^[0-9a-f]+$/;

/**
 * The plan that a person means: by its run's id, by its digest or by the beginning
 * of one, at least 6 digits. Throws `plan.not_found` and `plan.ambiguous`.
 */
export async function findPlan(db: Database | Tx, name: string): Promise<PlanHead> {
  const rows = await candidates(db, name);
  const [row] = rows;
  if (row === undefined) throw notFound(name);
  if (rows.length > 1) {
    throw new AppError('plan.ambiguous', 'Several plans begin so: give more of the digest.', {
      detail: { received: name.slice(0, 80) },
    });
  }
  return toHead(row);
}

/** The plan of a run; null where the run made none. */
export async function planOfRun(db: Database | Tx, runId: RunId): Promise<PlanHead | null> {
  const row = await heads(db).where('plan.run_id', '=', runId).executeTakeFirst();
  return row === undefined ? null : toHead(row);
}

/** The plan of a connection that waits for approval, newest first; null where nothing waits. */
export async function openPlan(
  db: Database | Tx,
  connectionId: ConnectionId,
): Promise<PlanHead | null> {
  const row = await heads(db)
    .where('plan.connection_id', '=', connectionId)
    .where('plan.state', 'in', ['pending', 'held'])
    .orderBy('plan.created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : toHead(row);
}

/** Plans of a connection that were being applied when their worker went away, oldest first. */
export async function unfinishedPlans(
  db: Database,
  connectionId: ConnectionId,
): Promise<readonly PlanHead[]> {
  const rows = await heads(db)
    .where('plan.connection_id', '=', connectionId)
    .where('plan.state', '=', 'applying')
    .orderBy('plan.created_at')
    .execute();
  return rows.map(toHead);
}

/**
 * How many people would lose access or a role by the lines that wait. An approval has
 * to name this number.
 */
export async function countPeopleWaiting(db: Database | Tx, runId: RunId): Promise<number> {
  const row = await db
    .selectFrom('plan_lines')
    .select(sql<string>`count(distinct user_id)`.as('count'))
    .where('run_id', '=', runId)
    .where('waits', '=', true)
    .where('outcome', 'is', null)
    .where('brake_class', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** As {@link countPeopleWaiting}, by class. */
export async function countByClass(tx: Tx, runId: RunId): Promise<PeopleCounts> {
  const rows = await tx
    .selectFrom('plan_lines')
    .select(['brake_class', sql<string>`count(distinct user_id)`.as('count')])
    .where('run_id', '=', runId)
    .where('waits', '=', true)
    .where('outcome', 'is', null)
    .where('brake_class', 'is not', null)
    .groupBy('brake_class')
    .execute();
  const count = (one: BrakeClass): number =>
    Number(rows.find((row) => row.brake_class === one)?.count ?? 0);
  return {
    absence: count('absence'),
    disabled: count('disabled'),
    roles: count('roles'),
    returns: count('returns'),
  };
}

/** Whether as many people as it takes have approved exactly this plan. */
export async function isApproved(db: Database | Tx, digest: string): Promise<boolean> {
  const row = await db
    .selectFrom('plans')
    .select('run_id')
    .where('digest', '=', digest)
    .where('approved_at', 'is not', null)
    .executeTakeFirst();
  return row !== undefined;
}

async function candidates(db: Database | Tx, name: string): Promise<readonly Row[]> {
  if (UUID.test(name))
    return heads(db)
      .where('plan.run_id', '=', name as RunId)
      .execute();
  if (name.length < SHORTEST_DIGEST || !HEXADECIMAL.test(name)) throw notFound(name);
  return heads(db).where('plan.digest', 'like', `${name}%`).limit(2).execute();
}

type Row = Awaited<ReturnType<ReturnType<typeof heads>['executeTakeFirstOrThrow']>>;

function heads(db: Database | Tx) {
  return db
    .selectFrom('plans as plan')
    .innerJoin('sweep_runs as run', 'run.id', 'plan.run_id')
    .selectAll('plan')
    .select(['run.configuration', 'run.plan_only_because'])
    .select(sql<Date>`least(run.as_of, run.started_at)`.as('observed_at'))
    .where('plan.state', '!=', 'drafting');
}

function toHead(row: Row): PlanHead {
  return {
    runId: row.run_id,
    connectionId: row.connection_id,
    digest: row.digest,
    state: row.state,
    // Written by `settlePlan` alone.
    heldWhy: (row.held_why as readonly HeldReason[] | null) ?? [],
    population: row.population,
    createdAt: fromTimestamp(row.created_at),
    expiresAt: fromTimestamp(row.expires_at),
    approvalsNeeded: row.approvals_needed,
    approvedAt: fromNullableTimestamp(row.approved_at),
    heldSince: fromNullableTimestamp(row.held_since),
    containsFrom: fromNullableTimestamp(row.contains_from),
    observedAt: fromTimestamp(row.observed_at),
    configuration: row.configuration,
    planOnlyBecause: row.plan_only_because,
    rejection: toWord(row.rejected_by, row.reject_reason, row.rejected_at),
    undoing: toWord(row.undo_by, row.undo_reason, row.undo_begun_at),
  };
}

function toWord(by: string | null, reason: string | null, at: Date | null): PersonsWord | null {
  return by === null || at === null ? null : { by, reason: reason ?? '', at: fromTimestamp(at) };
}

function notFound(name: string): AppError {
  return new AppError('plan.not_found', 'There is no such plan.', {
    detail: {
      expected: `a run's id, or at least ${SHORTEST_DIGEST} digits of a plan's digest`,
      received: name.slice(0, 80),
    },
  });
}
