import { applyToPerson, type RecordOutcome } from '@rollcall/shared/access/person-state';
import type { Config } from '@rollcall/shared/config/types';
import { privilegedRoles } from '@rollcall/shared/core/roles';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { requireDone } from '../queries/refused-change.ts';
import { keyOf } from '../queries/user-named.ts';
import { printable } from '../render/printable.ts';

const DEACTIVATE_HELP = `
Sessions end at once on every instance, and every sign-in is refused until an
administrator reactivates the user: no sweep and no assertion does. Roles are kept.
Joined records are deactivated together. The last holder of a privileged role stays.

Example:
  $ rollcall users deactivate ada@acme.example --reason "lost laptop, case 4711"`;

const REACTIVATE_HELP = `
Undoes \`users deactivate\`, with the roles as they were. Whom the sweep has taken
out, the sweep lets in again when the directory lists them; whom SCIM has, SCIM.

Example:
  $ rollcall users reactivate ada@acme.example --reason "case 4711 is closed"`;

interface StateOptions {
  readonly reason: string;
  readonly by?: string;
}

/** `rollcall users deactivate` and `reactivate` */
export function addUsersState(parent: Command, run: Run): void {
  parent
    .command('deactivate')
    .summary('end the access of a user')
    .description('Ends the access of a user, until an administrator gives it back.')
    .argument('<user>', 'whose access ends')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', DEACTIVATE_HELP)
    .action((text: string, options: StateOptions, command: Command) =>
      run(command, (invocation) => change('deactivate', text, options, invocation)),
    );
  parent
    .command('reactivate')
    .summary('give back the access that an administrator ended')
    .description('Gives a user back the access that an administrator has ended.')
    .argument('<user>', 'who gets access back')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', REACTIVATE_HELP)
    .action((text: string, options: StateOptions, command: Command) =>
      run(command, (invocation) => change('restore', text, options, invocation)),
    );
}

type Step = 'deactivate' | 'restore';

async function change(
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
