import {
  type HandOverResult,
  handOverUser,
  type Receiver,
} from '@rollcall/jit-auth/scim/hand-over';
import type { Config } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { isPurged, type User } from '@rollcall/shared/core/user';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { userPages } from '@rollcall/shared/db/user-pages';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { connectionsNamed } from '../queries/known-connection.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { keyOf } from '../queries/user-named.ts';
import { printable } from '../render/printable.ts';
import { renderTable } from '../render/table.ts';

export interface HandOverOptions {
  readonly to: Receiver;
  readonly connection?: ConnectionId;
  readonly user?: string;
  readonly apply?: boolean;
  readonly reason?: string;
  readonly by?: string;
}

/** So many are shown by name. */
const SHOWN = 20;

export async function handOver(
  options: HandOverOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  if ((options.connection === undefined) === (options.user === undefined)) {
    throw new AppError('cli.usage', 'Say who is handed over: --connection or --user.');
  }
  if (options.apply === true && options.reason === undefined) {
    throw new AppError('cli.usage', 'Say why: --reason is kept in the audit trail.');
  }
  return withFoundation(invocation, { engine: false }, async (opened) => {
    const people = await peopleOf(opened, options, invocation);
    if (options.apply !== true) return preview(people, options, invocation);
    const results = await carryOut(opened.foundation.db, people, options);
    return report(people, results, options, invocation);
  });
}

async function peopleOf(
  { foundation: { db }, config }: Opened,
  options: HandOverOptions,
  invocation: Invocation,
): Promise<readonly User[]> {
  const owner = options.to === 'jit' ? 'scim' : 'roll';
  if (options.user !== undefined) {
    const user = await requireOneUser(db, options.user, invocation);
    requireTaken(config, user.connectionId, options.to);
    return user.owner === owner ? [user] : [];
  }
  const connection = options.connection ?? ('' as ConnectionId);
  requireTaken(config, connection, options.to);
  const people: User[] = [];
  for await (const page of userPages(db)) {
    for (const { user } of page) {
      const isMeant = user.connectionId === connection && user.owner === owner;
      if (isMeant && !isPurged(user)) people.push(user);
    }
  }
  return people;
}

/** Nobody is handed over to SCIM whose connection takes none: nobody would answer for them. */
function requireTaken(config: Config, connection: ConnectionId, to: Receiver): void {
  const [found] = connectionsNamed(config, connection);
  if (to === 'jit' || found?.provisioning !== 'jit') return;
  throw new AppError(
    'scim.not_provisioned',
    `Connection ${connection} takes no SCIM: give it provisioning: both in the configuration first.`,
    { detail: { expected: ['scim', 'both'], received: 'jit' } },
  );
}

/** Each in a transaction of its own: what was done before an error stays done, and is not done twice. */
async function carryOut(
  db: Database,
  people: readonly User[],
  { to, reason = '', by }: HandOverOptions,
): Promise<ReadonlyMap<HandOverResult, number>> {
  const actor = { kind: 'operator' as const, name: by ?? operatorName() };
  const results = new Map<HandOverResult, number>();
  for (const user of people) {
    const result = await inTransaction(db, (tx) =>
      handOverUser(tx, user, { to, because: reason }, actor, currentTime()),
    );
    results.set(result, (results.get(result) ?? 0) + 1);
  }
  return results;
}

function preview(
  people: readonly User[],
  { to }: HandOverOptions,
  { terminal, json }: Invocation,
): ExitCode {
  if (json) {
    const users = people.map((user) => ({
      id: user.id,
      user: keyOf(user),
      owner: user.owner,
      state: user.state,
      cause: user.cause,
    }));
    terminal.printJson({ to, people: people.length, applied: false, users });
    return people.length === 0 ? EXIT.ok : EXIT.changesPending;
  }
  if (people.length === 0) {
    terminal.print('Nobody is to be handed over.');
    return EXIT.ok;
  }
  const rows = people.slice(0, SHOWN).map((user) => [keyOf(user), user.owner, user.state]);
  const more = people.length > SHOWN ? `\n… and ${people.length - SHOWN} more` : '';
  const count = people.length === 1 ? '1 person' : `${people.length} people`;
  const head = `${count} would be handed over to ${to === 'scim' ? 'SCIM' : 'their sign-ins'}:`;
  const foot = 'Nothing has been done: add --apply --reason "…" to do it.';
  terminal.print(
    `${head}\n\n${renderTable([['USER', 'OWNER', 'STATE'], ...rows])}${more}\n\n${foot}`,
  );
  return EXIT.changesPending;
}

function report(
  people: readonly User[],
  results: ReadonlyMap<HandOverResult, number>,
  { to }: HandOverOptions,
  { terminal, json }: Invocation,
): ExitCode {
  const handed = results.get('handed_over') ?? 0;
  const refused = results.get('refused') ?? 0;
  if (json) {
    terminal.printJson({ to, people: people.length, applied: true, handed_over: handed, refused });
  } else {
    const whom = to === 'scim' ? 'SCIM' : 'their sign-ins';
    const rest = refused === 0 ? '' : `; ${refused} could not be`;
    const count = handed === 1 ? '1 person is' : `${handed} people are`;
    terminal.print(printable(`${count} handed over to ${whom}${rest}.`));
  }
  return refused === 0 ? EXIT.ok : EXIT.error;
}
