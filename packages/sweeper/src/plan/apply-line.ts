import { apply } from '@rollcall/shared/access/apply';
import type { AccessChange, AccessOutcome } from '@rollcall/shared/access/change';
import { type UndoRecord, undoRecordOf } from '@rollcall/shared/access/undo-record';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import type { PlanLinesTable } from '@rollcall/shared/db/tables';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Selectable } from 'kysely';
import type { ConnectionSweep } from '../sweep/connection-sweep.ts';
import { toPlannedChange } from './line.ts';
import type { PlanHead } from './plan-head.ts';

/** What became of one line. */
export interface LineOutcome {
  readonly outcome: 'applied' | 'skipped';
  /** Why it was skipped, or what was kept; null where there is nothing to say. */
  readonly why: string | null;
  readonly sessionsEnded: number;
  /** What takes the change back; null where nothing was changed. */
  readonly undo: UndoRecord | null;
}

/**
 * Applies one line, if it is still open: the change and its outcome are written in the
 * caller's transaction, so that a line is applied once, whenever its worker dies.
 * Everything is checked again (invariant 3). Null where the line was done already.
 */
export async function applyLine(
  tx: Tx,
  plan: PlanHead,
  seq: number,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<LineOutcome | null> {
  const line = await tx
    .selectFrom('plan_lines')
    .selectAll()
    .where('run_id', '=', plan.runId)
    .where('seq', '=', seq)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (line.outcome !== null) return null;
  const void_ = whyVoid(plan, sweep, now);
  const result =
    void_ === null
      ? outcomeOf(line.decision, await applyChange(tx, plan, line, sweep, now))
      : skipped(void_);
  await tx
    .updateTable('plan_lines')
    .set({
      outcome: result.outcome,
      outcome_why: result.why,
      applied_at: toTimestamp(now),
      undo: result.undo === null ? null : JSON.stringify(result.undo),
    })
    .where('run_id', '=', plan.runId)
    .where('seq', '=', seq)
    .execute();
  return result;
}

/** Why a plan may no longer be applied, or null. */
export function whyVoid(
  plan: PlanHead,
  sweep: ConnectionSweep,
  now: EpochMs,
): 'plan_expired' | 'configuration_changed' | null {
  if (now >= plan.expiresAt) return 'plan_expired';
  return plan.configuration === sweep.configuration ? null : 'configuration_changed';
}

async function applyChange(
  tx: Tx,
  plan: PlanHead,
  line: Selectable<PlanLinesTable>,
  sweep: ConnectionSweep,
  now: EpochMs,
): Promise<AccessOutcome> {
  const version = await versionMeant(tx, line);
  const change = changeOf(plan, { ...line, user_version: version }, sweep);
  if (change === null) return { kind: 'unchanged', user: null };
  const takes = change.kind === 'deactivate' || change.kind === 'contain';
  if (takes && (await isFoundSince(tx, line, plan))) {
    return { kind: 'stale', why: 'newer_state' };
  }
  return apply(tx, change, { kind: 'sweep', runId: plan.runId, digest: plan.digest }, now);
}

/** A containment by this very plan has moved the version, and is no newer fact. */
async function versionMeant(tx: Tx, line: Selectable<PlanLinesTable>): Promise<number> {
  const contained = await tx
    .selectFrom('held_containments')
    .select('version_after')
    .where('run_id', '=', line.run_id)
    .where('user_id', '=', line.user_id)
    .executeTakeFirst();
  return contained?.version_after ?? line.user_version;
}

/** Whether the directory has said since the plan was made that the person is there. */
export async function isFoundSince(
  tx: Tx,
  line: Pick<Selectable<PlanLinesTable>, 'user_id'>,
  plan: PlanHead,
): Promise<boolean> {
  const found = await tx
    .selectFrom('look_ups')
    .select('id')
    .where('user_id', '=', line.user_id)
    .where('standing', '=', 'present')
    .where('at', '>', toTimestamp(plan.createdAt))
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

function changeOf(
  plan: PlanHead,
  line: Selectable<PlanLinesTable>,
  sweep: ConnectionSweep,
): AccessChange | null {
  const planned = toPlannedChange(line.change);
  const head = {
    userId: line.user_id,
    expectedVersion: line.user_version,
    reason: line.reason,
    evidence: { ...line.evidence, runId: plan.runId, planDigest: plan.digest },
  };
  switch (planned.kind) {
    case 'refuse':
      return null;
    case 'change_roles': {
      const { groups, roles, because } = planned;
      return {
        kind: 'change_roles',
        ...head,
        connectionId: plan.connectionId,
        observedAt: plan.observedAt,
        seenIn: 'directory',
        groups,
        mapping: { kind: 'known', roles, because, missed: [], unmatched: [], byDefault: false },
        mode: sweep.policy.roles.mode,
        privilegedRoles: sweep.privilegedRoles,
      };
    }
    case 'suspect':
    case 'contain':
    case 'release':
    case 'deactivate':
    case 'restore':
      return {
        kind: planned.kind,
        ...head,
        observedAt: planned.observedAt ?? plan.observedAt,
        privilegedRoles: sweep.privilegedRoles,
      };
    default:
      return planned satisfies never;
  }
}

function outcomeOf(decision: string, result: AccessOutcome): LineOutcome {
  switch (result.kind) {
    case 'applied': {
      const why = result.kept.length === 0 ? null : `last_admin kept ${result.kept.join(', ')}`;
      const { user, before, sessionsEnded } = result;
      const undo =
        before === undefined
          ? null
          : undoRecordOf(before, user.version, decision === 'change_roles');
      return { outcome: 'applied', why, sessionsEnded, undo };
    }
    case 'unchanged':
      return skipped('unchanged');
    case 'stale':
      return skipped(result.why);
    case 'refused':
      return skipped(result.code);
    case 'session_ended':
    case 'sessions_ended':
      return skipped('not_of_a_plan');
    default:
      return result satisfies never;
  }
}

function skipped(why: string): LineOutcome {
  return { outcome: 'skipped', why, sessionsEnded: 0, undo: null };
}
