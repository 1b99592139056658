import { applyToPerson, type RecordOutcome } from '@rollcall/shared/access/person-state';
import type { Config } from '@rollcall/shared/config/types';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import { privilegedRoles } from '@rollcall/shared/core/roles';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { requireDone } from '../queries/refused-change.ts';
import { keyOf } from '../queries/user-named.ts';
import { printable } from '../render/printable.ts';

export interface StateOptions {
  readonly reason: string;
  readonly by?: string;
}

type Step = 'deactivate' | 'restore';

export async function change(
  step: Step,
  text: string,
  options: StateOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const records = await withFoundation(
    invocation,
    { engine: false },
    ({ config, foundation: { db } }) =>
      changeNamed(step, { text, options, db, config }, invocation),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ records: records.map(toJson) });
  else terminal.print(records.map((one) => printable(say(step, one))).join('\n'));
  return EXIT.ok;
}

interface Named {
  readonly text: string;
  readonly options: StateOptions;
  readonly db: Database;
  readonly config: Config;
}

/** All records of the person in one transaction, or none of them. */
async function changeNamed(
  step: Step,
  { text, options, db, config }: Named,
  invocation: Invocation,
): Promise<readonly RecordOutcome[]> {
  const user = await requireOneUser(db, text, invocation);
  const actor = { kind: 'operator' as const, name: options.by ?? operatorName() };
  const decided = {
    kind: step,
    userId: user.id,
    privilegedRoles: privilegedRoles(config.roles),
    expectedVersion: null,
    observedAt: null,
    reason: 'by_admin',
    evidence: { because: options.reason },
  };
  return inTransaction(db, async (tx) => {
    const outcomes = await applyToPerson(tx, decided, actor, currentTime());
    for (const { outcome, record } of outcomes) {
      // What somebody else has ended stays ended, beside a record that comes back.
      if (step === 'restore' && isLeftOut(outcome) && outcomes.some(isApplied)) continue;
      requireDone(outcome, record);
    }
    return outcomes;
  });
}

function isApplied({ outcome }: RecordOutcome): boolean {
  return outcome.kind === 'applied';
}

function isLeftOut(outcome: RecordOutcome['outcome']): boolean {
  return outcome.kind === 'refused' && outcome.code === 'other_cause';
}

function say(step: Step, { record, outcome }: RecordOutcome): string {
  const name = keyOf(record);
  if (outcome.kind === 'refused')
    return `${name} stays out: ${record.cause} has ended that access.`;
  if (outcome.kind !== 'applied') {
    return step === 'restore' ? `${name} has access already.` : `${name} is deactivated already.`;
  }
  if (step === 'restore' && !hasAccess(outcome.user.state)) {
    return `${name} stays out until SCIM says active: what the administrator ended is given back.`;
  }
  if (step === 'restore')
    return `${name} has access again: ${outcome.roles.join(', ') || 'no role'}.`;
  const ended = outcome.sessionsEnded;
  return `${name} is deactivated; ${ended === 1 ? '1 session has' : `${ended} sessions have`} ended.`;
}

function toJson({ record, outcome }: RecordOutcome): Record<string, unknown> {
  const after = outcome.kind === 'applied' ? outcome.user : record;
  return {
    id: record.id,
    user: keyOf(record),
    changed: outcome.kind === 'applied',
    state: after.state,
    cause: after.cause,
    sessions_ended: outcome.kind === 'applied' ? outcome.sessionsEnded : 0,
  };
}
