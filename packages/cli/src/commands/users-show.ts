import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { showUser } from '../queries/shown-user.ts';
import { renderUser, shownUserToJson } from '../render/user.ts';

const HELP = `
USER is the id, connection:subject, the subject, the directory id or the e-mail.
Why somebody has a role, or has none, is told by \`rollcall explain\`.

Examples:
  $ rollcall users show ada@acme.example
  $ rollcall users show acme:00u1a2b3 --json | jq -r .state`;

/** `rollcall users show USER` */
export function addUsersShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .summary('show one user')
    .description('Shows one user: state, roles, protection, sessions, joined records.')
    .argument('<user>', 'whom to show')
    .addHelpText('after', HELP)
    .action((text: string, _options: object, command: Command) =>
      run(command, (invocation) => show(text, invocation)),
    );
}

async function show(text: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const shown = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) =>
      showUser(db, config, await requireOneUser(db, text, invocation), now),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(shownUserToJson(shown));
  else terminal.print(renderUser(shown, now, terminal.colors));
  return EXIT.ok;
}
