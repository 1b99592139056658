import { apply } from '@rollcall/shared/access/apply';
import type { AccessOutcome } from '@rollcall/shared/access/change';
import { toUndoRecord } from '@rollcall/shared/access/undo-record';
import type { Actor } from '@rollcall/shared/core/actor';
import type { UserId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { isPurged } from '@rollcall/shared/core/user';
import type { Tx } from '@rollcall/shared/db/database';
import type { PlanLinesTable } from '@rollcall/shared/db/tables';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { findUser } from '@rollcall/shared/db/users';
import type { Selectable } from 'kysely';
import type { Lease } from '../sweep/lease.ts';
import type { PlanHead } from './plan-head.ts';

/** What taking lines back needs. */
export interface UndoTools {
  readonly lease: Lease;
  readonly clock: () => EpochMs;
  readonly signal: AbortSignal;
  readonly actor: Actor;
  readonly reason: string;
  readonly privilegedRoles: ReadonlySet<string>;
}

/**
 * So many lines are taken back in one transaction: one commit for many is what makes
 * ten thousand a matter of seconds, and few enough that nobody waits long for a lock.
 */
const PART = 100;

/**
 * Takes back the applied lines of a plan, last first, each with its outcome in the same
 * transaction: whatever dies in between, no line is taken back twice. Answers with how
 * many sessions ended. Throws `sweep.lease_lost` and what the signal carries.
 */
export async function undoLines(plan: PlanHead, tools: UndoTools): Promise<number> {
  let sessionsEnded = 0;
  for (;;) {
    tools.signal.throwIfAborted();
    const part = await tools.lease.write((tx) => undoPart(tx, plan, tools));
    if (part === null) return sessionsEnded;
    sessionsEnded += part;
  }
}

/** Null where nothing was left. */
async function undoPart(tx: Tx, plan: PlanHead, tools: UndoTools): Promise<number | null> {
  const lines = await tx
    .selectFrom('plan_lines')
    .selectAll()
    .where('run_id', '=', plan.runId)
    .where('outcome', '=', 'applied')
    .where('undo_outcome', 'is', null)
    .orderBy('seq', 'desc')
    .limit(PART)
    .execute();
  if (lines.length === 0) return null;
  let sessionsEnded = 0;
  for (const line of lines) sessionsEnded += await undoLine(tx, plan, line, tools);
  return sessionsEnded;
}

async function undoLine(
  tx: Tx,
  plan: PlanHead,
  line: Selectable<PlanLinesTable>,
  tools: UndoTools,
): Promise<number> {
  const now = tools.clock();
  const outcome =
    line.undo === null ? null : await apply(tx, changeOf(plan, line, tools), tools.actor, now);
  await tx
    .updateTable('plan_lines')
    .set({
      undo_outcome: outcome?.kind === 'applied' ? 'undone' : 'skipped',
      undo_why: outcome === null ? await whyNothing(tx, line.user_id) : whyNot(outcome),
      undone_at: toTimestamp(now),
    })
    .where('run_id', '=', plan.runId)
    .where('seq', '=', line.seq)
    .execute();
  return outcome?.kind === 'applied' ? outcome.sessionsEnded : 0;
}

/** Why a line has nothing to take back: of whoever was purged, it was taken away. */
async function whyNothing(tx: Tx, id: UserId): Promise<'purged' | 'not_recorded'> {
  const user = await findUser(tx, id);
  return user !== null && isPurged(user) ? 'purged' : 'not_recorded';
}

function changeOf(plan: PlanHead, line: Selectable<PlanLinesTable>, tools: UndoTools) {
  return {
    kind: 'undo' as const,
    userId: line.user_id,
    record: toUndoRecord(line.undo),
    privilegedRoles: tools.privilegedRoles,
    reason: tools.reason,
    evidence: { runId: plan.runId, planDigest: plan.digest, undoes: line.decision },
  };
}

function whyNot(outcome: AccessOutcome): string | null {
  switch (outcome.kind) {
    case 'applied':
      return null;
    case 'stale':
      return outcome.why;
    case 'refused':
      return outcome.code;
    case 'unchanged':
    case 'session_ended':
    case 'sessions_ended':
      return outcome.kind;
    default:
      return outcome satisfies never;
  }
}
