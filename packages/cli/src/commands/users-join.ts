import { apply } from '@rollcall/shared/access/apply';
import type { AccessChange } from '@rollcall/shared/access/change';
import { personOf, type User } from '@rollcall/shared/core/user';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { findUser } from '@rollcall/shared/db/users';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { requireDone } from '../queries/refused-change.ts';
import { keyOf } from '../queries/user-named.ts';
import { printable } from '../render/printable.ts';

export interface JoinOptions {
  readonly reason: string;
  readonly by?: string;
}

export async function join(
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

export async function separate(
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
