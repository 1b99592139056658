import type { ConnectionId, RunId, UserId } from '@rollcall/shared/core/ids';
import { sayReason } from '@rollcall/shared/core/reasons';
import type { EpochMs } from '@rollcall/shared/core/time';
import { labelOf } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import type { PlanState, SweepState, SweepStep, SweepTrigger } from '@rollcall/shared/db/tables';
import { fromNullableTimestamp, fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import { countApprovers } from '../reconcile/approvers.ts';
import type { SweepProgress } from '../sweep/checkpoint.ts';
import { type PlannedChange, toPlannedChange } from './line.ts';
import { isChosen, type LineChoice } from './line-choice.ts';
import { countPeopleWaiting, findPlan, type PlanHead } from './plan-head.ts';

/** One sweep, as the history tells it. */
export interface SweepRecord {
  readonly runId: RunId;
  readonly connectionId: ConnectionId;
  readonly trigger: SweepTrigger;
  readonly state: SweepState;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs | null;
  readonly snapshot: 'complete' | 'partial' | null;
  /** Rows of the listing; null where it did not get that far. */
  readonly rows: number | null;
  readonly code: string | null;
  /** For people: what was expected and what came, where the run came to nothing. */
  readonly explanation: string | null;
  readonly planOnlyBecause: string | null;
  readonly planDigest: string | null;
  readonly planState: PlanState | null;
  /** How many decisions there were, by `kind reason`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Which step the run is at, or ended at; null for runs of an earlier version. */
  readonly step: SweepStep | null;
  readonly progress: SweepProgress;
  /** When the worker last wrote where it was. */
  readonly progressAt: EpochMs | null;
  /** `running`: a worker holds its lease. `left`: it has not ended, and nobody is at it any more. */
  readonly activity: 'running' | 'left' | 'ended';
}

/** Which sweeps. */
export interface HistoryFilter {
  readonly connectionId?: ConnectionId;
  readonly state?: SweepState;
  /** Begun then or later. */
  readonly since?: EpochMs;
  readonly limit: number;
}

/** Sweeps, newest first. */
export async function history(
  db: Database,
  filter: HistoryFilter,
): Promise<readonly SweepRecord[]> {
  let query = db
    .selectFrom('sweep_runs as run')
    .leftJoin('plans as plan', 'plan.run_id', 'run.id')
    .selectAll('run')
    .leftJoin('sweep_leases as lease', (join) =>
      join
        .onRef('lease.connection_id', '=', 'run.connection_id')
        .on(sql<boolean>`lease.expires_at > clock_timestamp()`),
    )
    .select(['plan.digest as plan_digest', 'plan.state as plan_state', 'lease.fence as held_fence'])
    .orderBy('run.started_at', 'desc')
    .limit(filter.limit);
  if (filter.connectionId !== undefined) {
    query = query.where('run.connection_id', '=', filter.connectionId);
  }
  if (filter.state !== undefined) query = query.where('run.state', '=', filter.state);
  if (filter.since !== undefined) {
    query = query.where('run.started_at', '>=', toTimestamp(filter.since));
  }
  return (await query.execute()).map((row) => {
    const drafted = row.plan_state === null || row.plan_digest?.startsWith('draft:') === true;
    return {
      runId: row.id,
      connectionId: row.connection_id,
      trigger: row.trigger,
      state: row.state,
      startedAt: fromTimestamp(row.started_at),
      finishedAt: fromNullableTimestamp(row.finished_at),
      snapshot: row.snapshot_kind,
      rows: row.rows,
      code: row.code,
      explanation: row.explanation,
      planOnlyBecause: row.plan_only_because,
      planDigest: drafted ? null : row.plan_digest,
      planState: drafted ? null : row.plan_state,
      counts: (row.counts as Record<string, number> | null) ?? {},
      step: row.step,
      progress: row.progress as SweepProgress,
      progressAt: fromNullableTimestamp(row.progress_at),
      activity: activityOf(row.state, row.fence, row.held_fence),
    };
  });
}

/** A plan that is applied later, or finished by another worker, is applied under another fence. */
function activityOf(
  state: SweepState,
  fence: string,
  held: string | null,
): SweepRecord['activity'] {
  if (state === 'applying') return held === null ? 'left' : 'running';
  if (state !== 'listing' && state !== 'deciding') return 'ended';
  return held === fence ? 'running' : 'left';
}

/** A plan for people to read. */
export interface PlanView extends PlanHead {
  /** How many people lose access or a role by the lines that wait: an approval names this number. */
  readonly people: number;
  readonly approvals: readonly {
    readonly approver: string;
    /** The account of the operating system by which it came, where it came by one. */
    readonly account: string | null;
    readonly people: number;
    readonly reason: string;
    readonly at: EpochMs;
  }[];
  /** How many people these approvals are; see `approvalsNeeded`. */
  readonly approvalsGiven: number;
  /** How many of the people who wait are contained meanwhile. */
  readonly contained: number;
  readonly lines: readonly PlanLineView[];
  /** Where to go on reading; null after the last line. */
  readonly next: number | null;
}

export interface PlanLineView {
  readonly seq: number;
  readonly userId: UserId;
  readonly subject: string;
  /** E-mail, else name, else subject: for people. */
  readonly label: string;
  readonly decision: PlannedChange['kind'];
  readonly reason: string;
  /** The reason in words. */
  readonly sentence: string;
  readonly gain: readonly string[];
  /** Roles that go; for a deactivation, those that can no longer be used. */
  readonly lose: readonly string[];
  /** Live sessions that would end; for a containment, those that need a fresh sign-in. */
  readonly sessions: number;
  readonly waits: boolean;
  readonly outcome: 'applied' | 'skipped' | null;
  readonly outcomeWhy: string | null;
  /** Whether the line was taken back; null where nobody has tried. */
  readonly undo: 'undone' | 'skipped' | null;
  readonly undoWhy: string | null;
}

/**
 * A plan with its lines, in their order.
 * Throws `plan.not_found` and `plan.ambiguous`.
 *
 * @param name a run's id, a digest, or the beginning of one.
 */
export async function showPlan(
  db: Database,
  name: string,
  page: {
    readonly after?: number;
    readonly limit: number;
    readonly now: EpochMs;
    readonly choice?: LineChoice;
  },
): Promise<PlanView> {
  const plan = await findPlan(db, name);
  const rows = await readLines(db, plan.runId, { after: 0, choice: {}, ...page });
  const approvals = await db
    .selectFrom('plan_approvals')
    .selectAll()
    .where('digest', '=', plan.digest)
    .orderBy('at')
    .execute();
  return {
    ...plan,
    people: await countPeopleWaiting(db, plan.runId),
    approvals: approvals.map(({ approver, account, people, reason, at }) => {
      return { approver, account, people, reason, at: fromTimestamp(at) };
    }),
    approvalsGiven: countApprovers(
      approvals.map(({ approver, account }) => ({ name: approver, account })),
    ),
    contained: await countContained(db, plan.runId),
    lines: rows.map(toView),
    next: rows.length < page.limit ? null : (rows.at(-1)?.seq ?? null),
  };
}

async function countContained(db: Database, runId: RunId): Promise<number> {
  const row = await db
    .selectFrom('plan_lines as line')
    .innerJoin('users as person', 'person.id', 'line.user_id')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('line.run_id', '=', runId)
    .where('line.waits', '=', true)
    .where('line.outcome', 'is', null)
    .where('person.state', '=', 'contained')
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

type Row = Awaited<ReturnType<typeof readLines>>[number];

interface LinePage {
  readonly after: number;
  readonly limit: number;
  readonly now: EpochMs;
  readonly choice: LineChoice;
}

function readLines(db: Database, runId: RunId, { after, limit, now, choice }: LinePage) {
  return db
    .selectFrom('plan_lines as line')
    .innerJoin('users as person', 'person.id', 'line.user_id')
    .selectAll('line')
    .select(['person.subject', 'person.email', 'person.given_name', 'person.family_name'])
    .select((select) => [
      select
        .selectFrom('grants')
        .select(sql<string[]>`coalesce(array_agg(distinct role order by role), '{}')`.as('roles'))
        .whereRef('grants.user_id', '=', 'line.user_id')
        .as('roles'),
      select
        .selectFrom('sessions')
        .select((inner) => inner.fn.countAll<string>().as('count'))
        .whereRef('sessions.user_id', '=', 'line.user_id')
        .where('sessions.ended_at', 'is', null)
        .where('sessions.expires_at', '>', toTimestamp(now))
        .as('sessions'),
    ])
    .where('line.run_id', '=', runId)
    .where('line.seq', '>', after)
    .where(isChosen(choice))
    .orderBy('line.seq')
    .limit(limit)
    .execute();
}

function toView(row: Row): PlanLineView {
  const change = toPlannedChange(row.change);
  const leaving = change.kind === 'deactivate';
  return {
    seq: row.seq,
    userId: row.user_id,
    subject: row.subject,
    label: labelOf({
      subject: row.subject,
      profile: { email: row.email, givenName: row.given_name, familyName: row.family_name },
    }),
    decision: change.kind,
    reason: row.reason,
    sentence: sayReason(row.reason),
    gain: change.kind === 'change_roles' ? change.gain : [],
    lose: change.kind === 'change_roles' ? change.lose : leaving ? (row.roles ?? []) : [],
    sessions: leaving || change.kind === 'contain' ? Number(row.sessions ?? 0) : 0,
    waits: row.waits,
    outcome: row.outcome,
    outcomeWhy: row.outcome_why,
    undo: row.undo_outcome,
    undoWhy: row.undo_why,
  };
}
