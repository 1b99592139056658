import { privilegedRoles } from '@rollcall/shared/core/roles';
import type { PlanHead } from '@rollcall/sweeper/plan/plan-head';
import { type UndoTally, undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import type { Command } from 'commander';
import { isBusyError, waitForLease } from '../compose/sweep-lease.ts';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { findNamedPlan, shortDigest } from '../queries/plan-named.ts';

const HELP = `
State and roles of everybody whom the plan changed become what they were, to the
byte. Sessions that ended stay ended: people sign in again. Whoever was changed by
anything newer (an administrator, a sign-in, a later sweep) is left alone.

Broken off half-way, the same command goes on where it ended. Afterwards sweeps of
the connection only plan, until you have approved a plan, or one takes nothing
from anybody.

Example:
  $ rollcall sweep undo 9b02d4e1 --reason "the directory lost a group"`;

interface UndoOptions {
  readonly reason: string;
  readonly by?: string;
}

/** `rollcall sweep undo PLAN` */
export function addSweepUndo(parent: Command, run: Run): void {
  parent
    .command('undo')
    .summary('take back what a plan did')
    .description('Takes back what a plan did: state and roles as they were, not sessions.')
    .argument('<plan>', 'its digest, the first six or more digits of it, or the id of its run')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who takes it back (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((name: string, options: UndoOptions, command: Command) =>
      run(command, (invocation) => undo(name, options, invocation)),
    );
}

async function undo(name: string, options: UndoOptions, invocation: Invocation): Promise<ExitCode> {
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
