import { privilegedRoles } from '@rollcall/shared/core/roles';
import type { PlanHead } from '@rollcall/sweeper/plan/plan-head';
import { type UndoTally, undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { isBusyError, waitForLease } from '../compose/sweep-lease.ts';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { findNamedPlan, shortDigest } from '../queries/plan-named.ts';

export interface UndoOptions {
  readonly reason: string;
  readonly by?: string;
}

export async function undo(
  name: string,
  options: UndoOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { plan, tally } = await withFoundation(invocation, { engine: false }, (opened) =>
    undoNamed(name, options, opened),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(tallyToJson(plan, tally));
  else terminal.print(sayTally(plan, tally));
  return EXIT.ok;
}

async function undoNamed(
  name: string,
  { reason, by }: UndoOptions,
  { config, foundation: { db } }: Opened,
): Promise<{ plan: PlanHead; tally: UndoTally }> {
  const plan = await findNamedPlan(db, name);
  const operator = by ?? operatorName();
  const privileged = privilegedRoles(config.roles);
  const request = { db, plan: plan.runId, operator, reason, privilegedRoles: privileged };
  const tally = await waitForLease(() => undoPlan(request), isBusyError);
  return { plan, tally };
}

function sayTally(plan: PlanHead, { undone, skipped, sessionsEnded }: UndoTally): string {
  const left = skipped === 0 ? '' : `, ${skipped} left alone because something had changed since`;
  const ended = sessionsEnded === 0 ? '' : ` ${sessionsEnded} sessions have ended.`;
  return `Plan ${shortDigest(plan.digest)}: ${undone} taken back${left}.${ended}
Sweeps of ${plan.connectionId} only plan from here on, until you have approved a plan or one takes nothing from anybody.`;
}

function tallyToJson(plan: PlanHead, tally: UndoTally): Record<string, unknown> {
  return {
    run: plan.runId,
    connection: plan.connectionId,
    digest: plan.digest,
    state: 'undone',
    undone: tally.undone,
    skipped: tally.skipped,
    sessions_ended: tally.sessionsEnded,
  };
}
