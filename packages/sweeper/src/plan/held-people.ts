import { apply } from '@rollcall/shared/access/apply';
import type { ConnectionId, RunId, UserId } from '@rollcall/shared/core/ids';
import { HELD } from '@rollcall/shared/core/lifecycle';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { User } from '@rollcall/shared/core/user';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import { FRESH_MS, roomInWave, WAVE_MS } from '../reconcile/held-people.ts';
import type { ConnectionSweep, SweepMode } from '../sweep/connection-sweep.ts';
import type { Lease } from '../sweep/lease.ts';
import { isFoundSince } from './apply-line.ts';
import { countWithAccess } from './brake-facts.ts';
import { toPlannedChange } from './line.ts';
import type { PlanHead } from './plan-head.ts';

/** So many people are contained, or released, before the lease is given back. */
const PART = 500;

/** The lines of a held plan whose people it has not tried to contain yet. */
export async function linesToContain(
  db: Database,
  plan: PlanHead,
  now: EpochMs,
  limit: number = PART,
): Promise<readonly number[]> {
  if (plan.containsFrom === null) return [];
  const fresh = toTimestamp(after(now, -FRESH_MS));
  const answer = await sql<{ seq: number }>`
    select l.seq from plan_lines l join users u on u.id = l.user_id
     where l.run_id = ${plan.runId} and l.waits and l.outcome is null
       and l.brake_class in ('absence', 'disabled') and l.decision in ('deactivate', 'contain')
       and not exists (select from held_containments c
                        where c.run_id = l.run_id and c.user_id = l.user_id)
       and not (coalesce(u.last_assertion_at > ${fresh}, false) and exists (
         select from held_containments c where c.user_id = u.id and c.outcome = 'contained'))
     order by l.seq limit ${limit}`.execute(db);
  return answer.rows.map((row) => row.seq);
}

/**
 * Contains the next few people of a held plan, as many as the minute has room for, each in
 * a transaction of its own with its outcome: whoever dies in between contains nobody twice.
 * Stops at once where the plan has ended, and where sign-in may be broken. Answers with how
 * many were contained.
 */
export async function containHeld(
  lease: Lease,
  db: Database,
  plan: PlanHead,
  sweep: ConnectionSweep,
  tools: { readonly clock: () => EpochMs; readonly signal: AbortSignal },
): Promise<number> {
  const { connectionId } = sweep;
  const lately = await countLately(db, connectionId, tools.clock());
  const room = Math.min(PART, roomInWave(await countWithAccess(db, connectionId), lately));
  let contained = 0;
  if (room === 0) return contained;
  for (const seq of await linesToContain(db, plan, tools.clock())) {
    tools.signal.throwIfAborted();
    if (contained >= room) break;
    const done = await lease.write((tx) => containOne(tx, plan, seq, sweep, tools.clock()));
    if (done === 'stop') break;
    if (done === 'contained') contained += 1;
  }
  return contained;
}

async function countLately(
  db: Database,
  connectionId: ConnectionId,
  now: EpochMs,
): Promise<number> {
  const row = await db
    .selectFrom('held_containments')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('connection_id', '=', connectionId)
    .where('outcome', '=', 'contained')
    .where('at', '>', toTimestamp(after(now, -WAVE_MS)))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function containOne(
  tx: Tx,
  plan: PlanHead,
  seq: number,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<'contained' | 'skipped' | 'stop'> {
  if (!(await isStillHeld(tx, plan))) return 'stop';
  const line = await tx
    .selectFrom('plan_lines')
    .selectAll()
    .where('run_id', '=', plan.runId)
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow();
  const record = (why: string | null, version: number | null) =>
    recordOutcome(tx, plan, line.user_id, { why, version }, now);
  if (await isFoundSince(tx, line, plan)) {
    await record('newer_state', null);
    return 'skipped';
  }
  const planned = toPlannedChange(line.change);
  const observedAt = 'observedAt' in planned ? (planned.observedAt ?? null) : null;
  const { runId, digest } = plan;
  const change = {
    kind: 'contain' as const,
    userId: line.user_id,
    expectedVersion: line.user_version,
    observedAt: observedAt ?? plan.observedAt,
    privilegedRoles: sweep.privilegedRoles,
    reason: HELD,
    evidence: { ...line.evidence, runId, planDigest: digest, heldBecause: line.reason },
  };
  const outcome = await apply(tx, change, { kind: 'sweep', runId, digest }, now);
  if (outcome.kind === 'applied') {
    await record(null, outcome.user.version);
    return 'contained';
  }
  if (outcome.kind === 'refused' && outcome.code === 'sign_in_doubtful') return 'stop';
  await record(whyNot(outcome), null);
  return 'skipped';
}

function whyNot(outcome: { kind: string; why?: string; code?: string }): string {
  return outcome.why ?? outcome.code ?? outcome.kind;
}

/** Locked: nobody rejects or approves it to its end in between. */
async function isStillHeld(tx: Tx, plan: PlanHead): Promise<boolean> {
  const row = await tx
    .selectFrom('plans')
    .select(['state', 'contains_from', 'approved_at'])
    .where('run_id', '=', plan.runId)
    .forShare()
    .executeTakeFirstOrThrow();
  return row.state === 'held' && row.contains_from !== null && row.approved_at === null;
}

async function recordOutcome(
  tx: Tx,
  plan: PlanHead,
  userId: UserId,
  { why, version }: { readonly why: string | null; readonly version: number | null },
  now: EpochMs,
): Promise<void> {
  await tx
    .insertInto('held_containments')
    .values({
      run_id: plan.runId,
      user_id: userId,
      connection_id: plan.connectionId,
      outcome: version === null ? 'skipped' : 'contained',
      outcome_why: why,
      version_after: version,
      at: toTimestamp(now),
    })
    .execute();
}

/** Whom to release: those whom no plan that waits takes anything from any more, or everybody. */
export type Released = 'without_plan' | 'all';

/**
 * Who is released in a mode. Only in mode `auto` is anybody contained while a plan is held:
 * in `approve` nothing changes anybody's access without a person, in `observe` nothing does
 * at all. Where the mode was another one before, its containments end.
 */
export function releasedIn(mode: SweepMode): Released {
  return mode === 'auto' ? 'without_plan' : 'all';
}

/** People who are contained for a held plan, and are to be released. */
export async function forgottenPeople(
  db: Database | Tx,
  connectionId: ConnectionId,
  which: Released,
  now: EpochMs,
): Promise<readonly UserId[]> {
  const answer = await sql<{ id: UserId }>`
    select u.id from users u
     where u.connection_id = ${connectionId} and u.state = 'contained' and u.state_reason = ${HELD}
       and (${which === 'all'} or not exists (
         select from plan_lines l join plans p on p.run_id = l.run_id
          where p.connection_id = ${connectionId} and p.state in ('pending', 'held', 'applying')
            and p.expires_at > ${toTimestamp(now)} and l.user_id = u.id
            and l.decision in ('deactivate', 'contain') and l.waits and l.outcome is null))
     order by u.id limit ${PART}`.execute(db);
  return answer.rows.map((row) => row.id);
}

/**
 * Releases whoever was contained for a plan that has ended without them: rejected, taken
 * back, run out, or followed by one that says nothing of them. Each in a transaction of its
 * own, so that it may be broken off at any point and called again.
 */
export async function releaseForgotten(
  lease: Lease,
  db: Database,
  which: Released,
  clock: () => EpochMs,
): Promise<number> {
  let released = 0;
  for (;;) {
    const people = await forgottenPeople(db, lease.connectionId, which, clock());
    let progress = 0;
    for (const userId of people) {
      const done = await lease.write((tx) => releaseOne(tx, userId, clock()));
      if (done) progress += 1;
    }
    released += progress;
    if (progress === 0 || people.length < PART) return released;
  }
}

async function releaseOne(tx: Tx, userId: UserId, now: EpochMs): Promise<boolean> {
  const latest = await tx
    .selectFrom('held_containments')
    .innerJoin('plans', 'plans.run_id', 'held_containments.run_id')
    .select(['plans.run_id', 'plans.digest', 'plans.state'])
    .where('user_id', '=', userId)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (latest === undefined) return false;
  const { run_id: runId, digest, state } = latest;
  const change = {
    kind: 'release' as const,
    userId,
    expectedVersion: null,
    observedAt: null,
    reason: 'hold_ended',
    evidence: { runId, planDigest: digest, plan: state },
  };
  const outcome = await apply(tx, change, { kind: 'sweep', runId, digest }, now);
  if (outcome.kind !== 'applied') return false;
  const { user, before } = outcome;
  if (before !== undefined) await keepMeant(tx, runId, before.user, user.version);
  return true;
}

/**
 * A plan that still waits, in a mode in which nobody is contained for it, means the person
 * as before: their release is no newer fact, as their containment was none.
 */
async function keepMeant(tx: Tx, runId: RunId, before: User, version: number): Promise<void> {
  await sql`
    update held_containments contained set version_after = ${version}
      from plan_lines line
     where contained.run_id = ${runId} and contained.user_id = ${before.id}
       and line.run_id = contained.run_id and line.user_id = contained.user_id
       and coalesce(contained.version_after, line.user_version) = ${before.version}`.execute(tx);
}
