import { privilegedRoles } from '@rollcall/shared/core/roles';
import type { PlanHead } from '@rollcall/sweeper/plan/plan-head';
import { type UndoTally, undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { isBusyError, waitForLease } from '../compose/sweep-lease.ts';
import { progressOfUndo, withProgress } from '../compose/sweep-progress.ts';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { findNamedPlan } from '../queries/plan-named.ts';
import { sayUndone, undoneToJson } from '../render/sweep-outcome.ts';

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
    undoNamed(name, options, opened, invocation),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(undoneToJson(plan, tally));
  else terminal.print(sayUndone(plan, tally));
  return EXIT.ok;
}

async function undoNamed(
  name: string,
  { reason, by }: UndoOptions,
  { config, foundation: { db } }: Opened,
  invocation: Invocation,
): Promise<{ plan: PlanHead; tally: UndoTally }> {
  const plan = await findNamedPlan(db, name);
  const operator = by ?? operatorName(invocation.env);
  const privileged = privilegedRoles(config.roles);
  const request = { db, plan: plan.runId, operator, reason, privilegedRoles: privileged };
  const tally = await withProgress(progressOfUndo(db, plan), invocation, () =>
    waitForLease(() => undoPlan(request), isBusyError),
  );
  return { plan, tally };
}
