import { AppError } from '@rollcall/shared/core/errors';
import type { RunId } from '@rollcall/shared/core/ids';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { ApplyTally } from '@rollcall/sweeper/plan/apply-lines';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { isApproved, type PlanHead } from '@rollcall/sweeper/plan/plan-head';
import { connectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { isBusyError, waitForLease } from '../compose/sweep-lease.ts';
import { progressOfSweep, withProgress } from '../compose/sweep-progress.ts';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { approverNamed } from '../operator.ts';
import { findNamedPlan } from '../queries/plan-named.ts';
import { readShownPlan } from '../queries/shown-plan.ts';
import { approvalToJson, planToJson, renderPlan, type ShownPlan } from '../render/plan.ts';
import { appliedToJson, sayApplied } from '../render/sweep-outcome.ts';

export interface ApplyOptions {
  readonly approve?: number;
  readonly reason?: string;
  readonly by?: string;
}

/** What came of it: the plan was applied, or the brake holds it and it is shown. */
type Outcome =
  | { readonly kind: 'applied'; readonly plan: PlanHead; readonly tally: ApplyTally }
  | { readonly kind: 'held'; readonly shown: ShownPlan };

export async function apply(
  name: string,
  options: ApplyOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  requireReason(options);
  const outcome = await withFoundation(invocation, { engine: false }, (opened) =>
    approveAndApply(name, options, opened, invocation),
  );
  const { terminal, json } = invocation;
  if (outcome.kind === 'held') {
    if (json)
      terminal.printJson({ error: heldError(outcome.shown), plan: planToJson(outcome.shown) });
    else terminal.print(renderPlan(outcome.shown, currentTime(), terminal.colors));
    return EXIT.held;
  }
  const { plan, tally } = outcome;
  if (json) terminal.printJson(appliedToJson(plan, tally));
  else terminal.print(sayApplied(plan, tally));
  return tally.state === 'held' ? EXIT.held : EXIT.ok;
}

async function approveAndApply(
  name: string,
  options: ApplyOptions,
  { config, foundation: { db } }: Opened,
  invocation: Invocation,
): Promise<Outcome> {
  const { env } = invocation;
  const plan = await findNamedPlan(db, name);
  const sweep = connectionSweep(config, plan.connectionId, env);
  const { name: operator, account } = approverNamed(options.by, env);
  const { approve: people, reason } = options;
  if (people !== undefined && reason !== undefined) {
    const approval = { digest: plan.digest, approver: operator, account, people, reason };
    const { given, needed } = await approvePlan(db, approval, currentTime());
    if (given < needed) return { kind: 'held', shown: await showHeld(db, plan.runId) };
  } else if (plan.state === 'held' && !(await isApproved(db, plan.digest))) {
    return { kind: 'held', shown: await showHeld(db, plan.runId) };
  }
  const tally = await withProgress(progressOfSweep(db, plan.connectionId), invocation, () =>
    waitForLease(() => applyPlan({ db, sweep, plan: plan.runId, operator }), isBusyError),
  );
  return { kind: 'applied', plan, tally };
}

function showHeld(db: Opened['foundation']['db'], runId: RunId): Promise<ShownPlan> {
  return readShownPlan(db, runId, { limit: 50, after: 0, now: currentTime() });
}

/** One without the other is a slip, and a slip approves nothing. Throws `cli.usage`. */
function requireReason({ approve, reason }: ApplyOptions): void {
  if ((approve === undefined) === (reason === undefined)) return;
  throw new AppError('cli.usage', 'An approval needs both --approve COUNT and --reason TEXT.');
}

function heldError({ plan }: ShownPlan): Record<string, unknown> {
  const missing =
    plan.approvalsGiven === 0
      ? ''
      : `${plan.approvalsGiven} of ${plan.approvalsNeeded} people have approved it: `;
  return {
    code: 'plan.not_approved',
    message: `The brake holds this plan, which takes something from ${plan.people} people: ${missing}approve it with --approve ${plan.people} and --reason.`,
    detail: { people: plan.people, held_why: plan.heldWhy, approval: approvalToJson(plan) },
  };
}
