import { apply } from '@rollcall/shared/access/apply';
import type { AccessChange } from '@rollcall/shared/access/change';
import { personOf, type User } from '@rollcall/shared/core/user';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { findUser } from '@rollcall/shared/db/users';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { requireDone } from '../queries/refused-change.ts';
import { keyOf } from '../queries/user-named.ts';
import { printable } from '../render/printable.ts';

const JOIN_HELP = `
Says that two records, of two connections as a rule, are of one person. Each keeps
its own life, roles and sweep; but by whichever connection the person signs in, they
have the roles of all their records with access, and apps see the id of FIRST. All
their sessions end, so that nobody's rights grow while they are signed in. Nothing
else ever joins records: not an e-mail, not a name.

Example:
  $ rollcall users join acme:00u1a2b3 globex:77f0 --reason "moved to Globex, ticket 812"`;

const SEPARATE_HELP = `
Makes a record stand alone again. All sessions of the person end.

Example:
  $ rollcall users separate globex:77f0 --reason "two people after all"`;

interface JoinOptions {
  readonly reason: string;
  readonly by?: string;
}

/** `rollcall users join` and `separate` */
export function addUsersJoin(parent: Command, run: Run): void {
  parent
    .command('join')
    .summary('say that two records are of one person')
    .description('Joins two records of one person.')
    .argument('<first>', 'the user whose id the person gets')
    .argument('<second>', 'the user who is the same person')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', JOIN_HELP)
    .action((first: string, second: string, options: JoinOptions, command: Command) =>
      run(command, (invocation) => join({ first, second }, options, invocation)),
    );
  parent
    .command('separate')
    .summary('make a joined record stand alone again')
    .description('Separates a record from the others of the person.')
    .argument('<user>', 'the record')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', SEPARATE_HELP)
    .action((text: string, options: JoinOptions, command: Command) =>
      run(command, (invocation) => separate(text, options, invocation)),
    );
}

async function join(
  { first, second }: { readonly first: string; readonly second: string },
  options: JoinOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const done = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const withUser = await requireOneUser(db, first, invocation);
      const user = await requireOneUser(db, second, invocation);
      const change = { kind: 'join' as const, userId: user.id, withUserId: withUser.id };
      return make(db, { ...change, evidence: { because: options.reason } }, user, options);
    },
  );
  report(done, `is of person ${personOf(done.user)}`, invocation);
  return EXIT.ok;
}

async function separate(
  text: string,
  options: JoinOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const done = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const user = await requireOneUser(db, text, invocation);
      const change = { kind: 'separate' as const, userId: user.id };
      return make(db, { ...change, evidence: { because: options.reason } }, user, options);
    },
  );
  report(done, 'stands alone', invocation);
  return EXIT.ok;
}

interface Done {
  readonly user: User;
  readonly changed: boolean;
  readonly sessionsEnded: number;
}

async function make(
  db: Database,
  change: AccessChange,
  user: User,
  { by }: JoinOptions,
): Promise<Done> {
  const actor = { kind: 'operator' as const, name: by ?? operatorName() };
  const outcome = await inTransaction(db, (tx) => apply(tx, change, actor, currentTime()));
  const { kind } = requireDone(outcome, user);
  const sessionsEnded = outcome.kind === 'applied' ? outcome.sessionsEnded : 0;
  return {
    user: (await findUser(db, user.id)) ?? user,
    changed: kind === 'applied',
    sessionsEnded,
  };
}

function report(
  { user, changed, sessionsEnded }: Done,
  what: string,
  invocation: Invocation,
): void {
  const { terminal, json } = invocation;
  if (json) {
    const { id, personId } = user;
    terminal.printJson({ id, person: personId, changed, sessions_ended: sessionsEnded });
    return;
  }
  const ended = sessionsEnded === 1 ? '1 session has' : `${sessionsEnded} sessions have`;
  const already = changed ? '' : ' already';
  terminal.print(printable(`${keyOf(user)} ${what}${already}; ${ended} ended.`));
}
