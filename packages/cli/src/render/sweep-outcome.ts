import type { ApplyTally } from '@rollcall/sweeper/plan/apply-lines';
import type { PlanHead } from '@rollcall/sweeper/plan/plan-head';
import type { UndoTally } from '@rollcall/sweeper/plan/undo-plan';
import { shortDigest } from '../queries/plan-named.ts';

type Named = Pick<PlanHead, 'runId' | 'connectionId' | 'digest'>;

/** What applying a plan came to. */
export function sayApplied(
  plan: Named,
  { applied, skipped, sessionsEnded, state }: ApplyTally,
): string {
  const left = skipped === 0 ? '' : `, ${say(skipped)} skipped because something had changed since`;
  return `Plan ${shortDigest(plan.digest)} (${state}): ${say(applied)} applied${left}; ${ended(sessionsEnded)}.`;
}

/** The same for programs. */
export function appliedToJson(plan: Named, tally: ApplyTally): Record<string, unknown> {
  return {
    ...nameToJson(plan),
    state: tally.state,
    applied: tally.applied,
    skipped: tally.skipped,
    sessions_ended: tally.sessionsEnded,
  };
}

/** What taking a plan back came to, and what follows for the sweeps after it. */
export function sayUndone(plan: Named, { undone, skipped, sessionsEnded }: UndoTally): string {
  const left =
    skipped === 0 ? '' : `, ${say(skipped)} left alone because something had changed since`;
  const sessions = sessionsEnded === 0 ? '' : ` ${capital(ended(sessionsEnded))}.`;
  return `Plan ${shortDigest(plan.digest)}: ${say(undone)} taken back${left}.${sessions}
Sweeps of ${plan.connectionId} only plan from here on, until you have approved a plan or one takes nothing from anybody.`;
}

/** The same for programs. */
export function undoneToJson(plan: Named, tally: UndoTally): Record<string, unknown> {
  return {
    ...nameToJson(plan),
    state: 'undone',
    undone: tally.undone,
    skipped: tally.skipped,
    sessions_ended: tally.sessionsEnded,
  };
}

/** What a person's no came to. */
export function sayRejected(plan: Named, released: number): string {
  const freed =
    released === 0
      ? ''
      : `; ${say(released)} no longer ${released === 1 ? 'needs' : 'need'} a fresh sign-in`;
  return `Plan ${shortDigest(plan.digest)} (rejected): nothing of it can be applied${freed}.`;
}

/** The same for programs. */
export function rejectedToJson(plan: Named, released: number): Record<string, unknown> {
  return { ...nameToJson(plan), state: 'rejected', released };
}

function nameToJson({ runId, connectionId, digest }: Named): Record<string, unknown> {
  return { run: runId, connection: connectionId, digest };
}

function ended(sessions: number): string {
  return sessions === 1 ? '1 session has ended' : `${say(sessions)} sessions have ended`;
}

function say(number: number): string {
  return number.toLocaleString('en-US');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
