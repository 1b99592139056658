import type { Config } from '@rollcall/shared/config/types';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { explainUser } from '@rollcall/shared/explanation/explain-user';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { keyOf } from '../queries/user-named.ts';
import { judgeRole } from '../queries/verdict.ts';
import { renderVerdict, verdictToJson } from '../render/verdict.ts';

const HELP = `
Exit 0 is yes, 1 is no. An error is 1 too: then nothing is on standard output, or,
with --json, there is an "error" and no "can".

Examples:
  $ rollcall can ada@acme.example analyst && echo yes
  $ rollcall can acme:00u1a2b3 admin --json | jq .can`;

/** `rollcall can USER ROLE` */
export function addCan(parent: Command, run: Run): void {
  parent
    .command('can')
    .summary('say whether a user has a role now, and why')
    .description('Says whether a user can act in a role now, with the reason; exit 0 yes, 1 no.')
    .argument('<user>', 'whom to ask about')
    .argument('<role>', 'the role')
    .addHelpText('after', HELP)
    .action((user: string, role: string, _options: object, command: Command) =>
      run(command, (invocation) => can(user, role, invocation)),
    );
}

async function can(text: string, role: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const { user, verdict } = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) => {
      const named = await requireOneUser(db, text, invocation);
      const explanation = await explainUser(db, config, named, now);
      return { user: named, verdict: judgeRole(explanation, role, rolesOfRules(config)) };
    },
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(verdictToJson(keyOf(user), role, verdict));
  else terminal.print(renderVerdict(role, verdict, now));
  return verdict.can ? EXIT.ok : EXIT.error;
}

function rolesOfRules({ roles, defaultRole }: Config): ReadonlySet<string> {
  return new Set([...roles.map((rule) => rule.role), ...(defaultRole ? [defaultRole] : [])]);
}
