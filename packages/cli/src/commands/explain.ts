import { currentTime } from '@rollcall/shared/db/timestamp';
import { explainUser } from '@rollcall/shared/explanation/explain-user';
import { explanationToJson } from '@rollcall/shared/explanation/explanation-json';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { renderExplanation } from '../render/explanation.ts';

const HELP = `
USER is the id, connection:subject, the subject, the directory id or the e-mail.
An e-mail may belong to several people: then they are listed, and nobody is explained.

Examples:
  $ rollcall explain ada@acme.example
  $ rollcall explain acme:00u1a2b3 --json`;

/** `rollcall explain USER` */
export function addExplain(parent: Command, run: Run): void {
  parent
    .command('explain')
    .summary('say why a user has, or lacks, access and roles')
    .description(
      'Says why a user has, or lacks, access and roles: the rule, the group, and when it was seen.',
    )
    .argument('<user>', 'whom to explain')
    .addHelpText('after', HELP)
    .action((text: string, _options: object, command: Command) =>
      run(command, (invocation) => explain(text, invocation)),
    );
}

async function explain(text: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const explanation = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) =>
      explainUser(db, config, await requireOneUser(db, text, invocation), now),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(explanationToJson(explanation));
  else terminal.print(renderExplanation(explanation, now, terminal.colors));
  return EXIT.ok;
}
