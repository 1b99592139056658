import { type ConnectionId, type SessionId, toSessionId } from '@rollcall/shared/core/ids';
import { listSessions } from '@rollcall/shared/db/session-list';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { renderSessions, sessionToJson } from '../render/sessions.ts';
import { accept, readConnection } from './accept.ts';
import { readWithin } from './page-options.ts';

const HELP = `
The newest come first. USER is what \`rollcall explain\` takes: the id,
connection:subject, the subject, the directory id or the e-mail. --all lists those,
too, that admit nobody any more, and says why. A full page ends with the --after of
the next one.

Examples:
  $ rollcall sessions list
  $ rollcall sessions list --user ada@acme.example --all
  $ rollcall sessions list --connection acme --json | jq -r '.sessions[].id'`;

interface ListOptions {
  readonly user?: string;
  readonly connection?: ConnectionId;
  readonly all?: boolean;
  readonly limit: number;
  readonly after?: SessionId;
}

/** `rollcall sessions list` */
export function addSessionsList(parent: Command, run: Run): void {
  parent
    .command('list')
    .summary('list who is signed in')
    .description('Lists live sessions.')
    .option('--user <user>', 'only those of one user')
    .option('--connection <id>', 'only those by one connection', readConnection)
    .option('--all', 'those, too, that have ended')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1000), 100)
    .option('--after <id>', 'go on after this session id', readSessionId)
    .addHelpText('after', HELP)
    .action((options: ListOptions, command: Command) =>
      run(command, (invocation) => list(options, invocation)),
    );
}

async function list(options: ListOptions, invocation: Invocation): Promise<ExitCode> {
  const { user: text, connection, all = false, limit, after } = options;
  const now = currentTime();
  const found = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) => {
      const user = text === undefined ? null : await requireOneUser(db, text, invocation);
      return listSessions(
        db,
        {
          all,
          // One more than is shown tells whether there are more.
          limit: limit + 1,
          idleMs: config.session.idleMs,
          trusted: config.connections.map(({ id }) => id),
          ...(user === null ? {} : { userId: user.id }),
          ...(connection === undefined ? {} : { connectionId: connection }),
          ...(after === undefined ? {} : { after }),
        },
        now,
      );
    },
  );
  const sessions = found.slice(0, limit);
  const next = found.length > limit ? (sessions.at(-1)?.id ?? null) : null;
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ sessions: sessions.map(sessionToJson), next });
  else terminal.print(renderSessions({ sessions, next, all }, now, terminal.colors));
  return EXIT.ok;
}

function readSessionId(text: string): SessionId {
  return accept(() => toSessionId(text), 'the id of a session, as `sessions list` shows it');
}
