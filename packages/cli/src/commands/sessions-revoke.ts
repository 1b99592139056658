import { apply } from '@rollcall/shared/access/apply';
import type { AccessChange, AccessOutcome } from '@rollcall/shared/access/change';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId, SessionId } from '@rollcall/shared/core/ids';
import { databaseTime } from '@rollcall/shared/db/clock';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { requireOneUser } from '../queries/one-user.ts';

export interface RevokeOptions {
  readonly user?: string;
  readonly connection?: ConnectionId;
  readonly session?: SessionId;
  readonly reason?: string;
  readonly by?: string;
}

export async function revoke(options: RevokeOptions, invocation: Invocation): Promise<ExitCode> {
  const ended = await withFoundation(invocation, { engine: false }, async ({ foundation }) => {
    const change = await changeOf(foundation.db, options, invocation);
    const actor = { kind: 'operator' as const, name: options.by ?? operatorName() };
    const outcomes = await inTransaction(foundation.db, async (tx) => {
      // By a clock that is ahead, nobody could sign in until that time has come; by one that
      // is behind, whoever has begun to would get in.
      const now = await databaseTime(tx);
      if (change.kind !== 'end_sessions_of_user') return [await apply(tx, change, actor, now)];
      // Whoever is meant is meant by every connection.
      return (await applyToPerson(tx, change, actor, now)).map(({ outcome }) => outcome);
    });
    return outcomes.map((outcome) => countEnded(outcome, options)).reduce(add, NONE);
  });
  const { terminal, json } = invocation;
  if (json) terminal.printJson(ended);
  else terminal.print(sayEnded(ended));
  return EXIT.ok;
}

async function changeOf(
  db: Database,
  { user, connection, session, reason }: RevokeOptions,
  invocation: Invocation,
): Promise<AccessChange> {
  const why = {
    reason: 'by_admin',
    evidence: reason === undefined ? {} : { because: reason },
  };
  if (session !== undefined) return { kind: 'end_session', sessionId: session, ...why };
  if (connection !== undefined) {
    return { kind: 'end_sessions_of_connection', connectionId: connection, ...why };
  }
  if (user !== undefined) {
    const { id } = await requireOneUser(db, user, invocation);
    return { kind: 'end_sessions_of_user', userId: id, ...why };
  }
  throw new AppError('cli.usage', 'Say whose sessions end: --user, --connection or --session.');
}

interface Ended {
  readonly sessions: number;
  readonly users: number;
}

const NONE: Ended = { sessions: 0, users: 0 };

function add(one: Ended, other: Ended): Ended {
  return { sessions: one.sessions + other.sessions, users: one.users + other.users };
}

/** Throws `session.unknown` and `connection.unknown`. A session that has ended already is none. */
function countEnded(outcome: AccessOutcome, { connection }: RevokeOptions): Ended {
  switch (outcome.kind) {
    case 'sessions_ended':
      return { sessions: outcome.sessions, users: outcome.users };
    case 'session_ended':
      return { sessions: 1, users: 1 };
    case 'unchanged':
      throw new AppError(
        'session.unknown',
        'There is no live session with this id: `rollcall sessions list` shows those that are.',
      );
    default:
      throw new AppError(
        'connection.unknown',
        `Nobody has signed in by ${connection ?? 'this connection'}: the database does not know it.`,
      );
  }
}

function sayEnded({ sessions, users }: Ended): string {
  if (sessions === 0) return 'No session was live. Sign-ins that have been begun make none.';
  const people = users === 1 ? '1 user' : `${users} users`;
  return `${sessions === 1 ? '1 session' : `${sessions} sessions`} of ${people} ended.`;
}
