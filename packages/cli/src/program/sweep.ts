import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addSweepApply } from './sweep-apply.ts';
import { addSweepApprove } from './sweep-approve.ts';
import { addSweepHistory } from './sweep-history.ts';
import { addSweepPlan } from './sweep-plan.ts';
import { addSweepReject } from './sweep-reject.ts';
import { addSweepShow } from './sweep-show.ts';
import { addSweepUndo } from './sweep-undo.ts';

/** `rollcall sweep …` */
export function addSweep(parent: Command, run: Run): void {
  const sweep = parent
    .command('sweep')
    .summary('call the roll: plan, show, approve, apply, reject, undo, history')
    .description('Calls the roll: who is here and no longer in the directory?');
  addSweepPlan(sweep, run);
  addSweepShow(sweep, run);
  addSweepApprove(sweep, run);
  addSweepApply(sweep, run);
  addSweepReject(sweep, run);
  addSweepUndo(sweep, run);
  addSweepHistory(sweep, run);
}
